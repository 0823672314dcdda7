"""Images compressed row by row: every sample as astropy has it, and nothing but damage from damaged bytes."""

from __future__ import annotations

import gzip
import hashlib
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xxhash
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evenfield.errors import DamagedFileError, ReadError
from evenfield.model.pixels import Tile
from evenfield.read import kept_if_packed, open_source
from evenfield.read.rice import PADDING, decode_rice
from evenfield.read.tiled import TiledSource

KINDS = ["RICE_1", "GZIP_1", "GZIP_2"]


def packed(path: Path, pixels: NDArray[np.integer], kind: str = "RICE_1") -> Path:
    """An image compressed row by row."""
    fits.CompImageHDU(pixels, compression_type=kind).writeto(path, overwrite=True)
    return path


def noisy(rows: int, columns: int, seed: int = 1) -> NDArray[np.uint16]:
    """Blocks of every sort: constant, of every width of noise, of random bits, and with single values far off."""
    random = np.random.default_rng(seed)
    out = np.empty((rows, columns), np.uint16)
    for row in range(rows):
        for start in range(0, columns, 32):
            width = random.integers(0, 18)
            values = random.normal(32768, 2.0**width if width else 0.0, 32)
            if width == 17:
                values = random.integers(0, 65536, 32)
            values[random.integers(0, 32)] += 20000 * random.integers(0, 2)
            out[row, start : start + 32] = values.clip(0, 65535)[: columns - start]
    return out


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(7, 1), (1, 33), (12, 64), (5, 301)])
def test_rows_are_what_they_were(tmp_path: Path, kind: str, shape: tuple[int, int]) -> None:
    """Every sort of block comes back bit for bit, in bands of any height, as 16-bit integers."""
    pixels = noisy(*shape)
    path = packed(tmp_path / "a.fits.fz", pixels, kind)
    with open_source(path) as source:
        assert isinstance(source, TiledSource)
        assert source.encoding.dtype == "int16"
        assert source.encoding.bzero == 32768
        for height in (1, 2, 3, shape[0]):
            for start in range(0, shape[0], height):
                tile = Tile(start=start, stop=min(start + height, shape[0]))
                assert np.array_equal(source.read(tile), pixels[tile.start : tile.stop])
                raw = np.empty((tile.rows, shape[1]), np.int16)
                source.read_raw(tile, raw)
                stored = raw.byteswap() if source.encoding.swapped else raw
                assert np.array_equal(stored.astype(np.int32) + 32768, pixels[tile.start : tile.stop])
        assert source.content_hash().startswith("xxh3:")
    with open_source(path, hash_kind="sha256") as source:
        source.read(Tile(start=0, stop=shape[0]))
        assert source.content_hash() == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


@pytest.mark.parametrize("kind", KINDS)
def test_blank_and_scaled_samples(tmp_path: Path, kind: str) -> None:
    """BLANK samples are NaN and BSCALE counts, as in a file that is not compressed."""
    hdu = fits.CompImageHDU(np.arange(-60, 60, dtype=np.int16).reshape(10, 12), compression_type=kind)
    hdu.writeto(tmp_path / "a.fits.fz")
    with fits.open(tmp_path / "a.fits.fz", mode="update", disable_image_compression=True) as file:
        file[1].header["BSCALE"], file[1].header["BZERO"], file[1].header["ZBLANK"] = 0.5, 3.0, 7
    with open_source(tmp_path / "a.fits.fz") as source:
        assert isinstance(source, TiledSource)
        found = source.read(Tile(start=0, stop=10)).reshape(-1)
    wanted = np.arange(-60, 60) * 0.5 + 3.0
    wanted[67] = np.nan
    np.testing.assert_array_equal(found, wanted)


def test_many_threads_read_one_file(tmp_path: Path) -> None:
    """Several threads read bands of one file at once, each its own."""
    pixels = noisy(64, 200)
    with open_source(packed(tmp_path / "a.fits.fz", pixels)) as source, ThreadPoolExecutor(4) as pool:
        tiles = [Tile(start=row, stop=row + 4) for row in range(0, 64, 4)] * 5
        for tile, found in zip(tiles, pool.map(source.read, tiles), strict=True):
            assert np.array_equal(found, pixels[tile.start : tile.stop])


@pytest.mark.parametrize("sort", ["other bits", "tall tiles", "HCOMPRESS_1", "float"])
def test_what_is_left_to_astropy(tmp_path: Path, sort: str) -> None:
    """Other tiles, algorithms and samples are read as before, by astropy."""
    pixels = noisy(20, 48)
    path = tmp_path / "a.fits.fz"
    hdu = {
        "other bits": lambda: fits.CompImageHDU(pixels.astype(np.int32)),
        "tall tiles": lambda: fits.CompImageHDU(pixels, tile_shape=(4, 48)),
        "HCOMPRESS_1": lambda: fits.CompImageHDU(pixels, compression_type="HCOMPRESS_1"),
        "float": lambda: fits.CompImageHDU(pixels.astype(np.float32), compression_type="GZIP_2", quantize_level=0),
    }[sort]()
    hdu.writeto(path)
    with open_source(path) as source:
        assert not isinstance(source, TiledSource)
        assert np.array_equal(source.read(Tile(start=0, stop=20)), pixels)


def table_of(path: Path) -> tuple[int, int]:
    """Where the table of the compressed image begins, and its rows."""
    with fits.open(path, disable_image_compression=True) as file:
        return file[1]._data_offset, file[1].header["NAXIS2"]


def read_whole(path: Path) -> NDArray[np.float32] | str:
    """The pixels, or the code of the error."""
    try:
        with open_source(path) as source:
            return source.read(Tile(start=0, stop=source.shape[0]))
    except ReadError as error:
        return error.code


@pytest.mark.parametrize("kind", KINDS)
def test_rows_in_any_order(tmp_path: Path, kind: str) -> None:
    """A table may name its rows in any order, and far apart: the descriptors count."""
    pixels = noisy(6, 90)
    path = packed(tmp_path / "a.fits.fz", pixels, kind)
    at, rows = table_of(path)
    data = path.read_bytes()
    entries = [data[at + 8 * row : at + 8 * row + 8] for row in range(rows)]
    path.write_bytes(data[:at] + b"".join(reversed(entries)) + data[at + 8 * rows :])
    assert np.array_equal(read_whole(path), pixels[::-1])


def test_rows_far_apart(tmp_path: Path) -> None:
    """Rows whose bytes lie megabytes apart are read one by one."""
    pixels = noisy(3, 40)
    path = packed(tmp_path / "a.fits.fz", pixels)
    at, rows = table_of(path)
    hole = 2_000_000
    with fits.open(path, disable_image_compression=True) as file:
        heap = file[1].header["PCOUNT"]
        file[1].header["PCOUNT"] = heap + hole
        head = b"".join(hdu.header.tostring().encode() for hdu in file)
    data = path.read_bytes()
    places = [struct.unpack(">ii", data[at + 8 * row : at + 8 * row + 8]) for row in range(rows)]
    table = b"".join(
        struct.pack(">ii", size, start + (hole if row == 2 else 0)) for row, (size, start) in enumerate(places)
    )
    heap_at = at + 8 * rows
    last = places[2][1]
    body = table + data[heap_at : heap_at + last] + bytes(hole) + data[heap_at + last : heap_at + heap]
    path.write_bytes(head + body.ljust(-(-len(body) // 2880) * 2880, b"\0"))
    assert np.array_equal(read_whole(path), pixels)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "entry", [(0, 0), (-1, 0), (2**31 - 1, 0), (40, 2**31 - 1), (2**31 - 1, 2**31 - 1), (1, 0), (40, -8)]
)
def test_descriptors_that_lie_are_damage(tmp_path: Path, kind: str, entry: tuple[int, int]) -> None:
    """A descriptor that is empty or leaves the file is damage, whatever numbers it holds."""
    path = packed(tmp_path / "a.fits.fz", noisy(4, 64), kind)
    at, _ = table_of(path)
    data = bytearray(path.read_bytes())
    data[at + 8 : at + 16] = struct.pack(">ii", *entry)
    path.write_bytes(data)
    assert read_whole(path) == DamagedFileError("").code


@pytest.mark.parametrize("kind", KINDS)
def test_changed_bytes_are_pixels_or_damage(tmp_path: Path, kind: str) -> None:
    """Compressed bytes changed at random give pixels or damage; nothing else, and never a crash."""
    path = packed(tmp_path / "a.fits.fz", noisy(8, 100), kind)
    at, _ = table_of(path)
    whole = path.read_bytes()
    random = np.random.default_rng(5)
    damaged = 0
    for _ in range(200):
        data = np.frombuffer(whole, np.uint8).copy()
        places = random.integers(at, len(data), 5)
        data[places] = random.integers(0, 256, 5)
        path.write_bytes(data.tobytes())
        found = read_whole(path)
        damaged += isinstance(found, str)
        assert not isinstance(found, str) or found == DamagedFileError("").code
    assert damaged


def rewrite_first_row(path: Path, coded: bytes) -> None:
    """Put other bytes in place of the first row's, not longer than these."""
    at, rows = table_of(path)
    data = bytearray(path.read_bytes())
    size, _ = struct.unpack(">ii", data[at : at + 8])
    assert len(coded) <= size
    data[at : at + 4] = struct.pack(">i", len(coded))
    data[at + 8 * rows : at + 8 * rows + len(coded)] = coded
    path.write_bytes(data)


def test_a_row_that_unpacks_to_too_much(tmp_path: Path) -> None:
    """A row that would unpack to megabytes is damage, and is not unpacked so far."""
    path = packed(tmp_path / "a.fits.fz", noisy(4, 30_000), "GZIP_1")
    rewrite_first_row(path, gzip.compress(bytes(20_000_000), mtime=0))
    assert read_whole(path) == DamagedFileError("").code


def test_rows_zipped_as_long_integers(tmp_path: Path) -> None:
    """Old programs zipped 16-bit samples as 32-bit ones: these are understood."""
    pixels = noisy(4, 300).astype(np.int32)
    path = packed(tmp_path / "a.fits.fz", pixels.astype(np.uint16), "GZIP_1")
    pixels[0] = 100
    rewrite_first_row(path, gzip.compress((pixels[0] - 32768).astype(">i4").tobytes(), mtime=0))
    assert np.array_equal(read_whole(path), pixels)


class Bits:
    """Bits to be written one after another."""

    def __init__(self) -> None:
        self.text = ""

    def put(self, value: int, width: int) -> None:
        """The lowest bits of a value."""
        self.text += format(value & ((1 << width) - 1), f"0{width}b") if width else ""


def rice_coded(row: list[int], block: int, sizes: list[int]) -> bytes:
    """A row coded by the letter of the standard; ``sizes`` are the numbers of low bits of its blocks (-1 to 14)."""
    bits = Bits()
    bits.put(row[0], 16)
    last = row[0]
    for number, start in enumerate(range(0, len(row), block)):
        piece = row[start : start + block]
        folded = []
        for value in piece:
            difference = (value - last + 32768) % 65536 - 32768
            folded.append(2 * difference if difference >= 0 else -2 * difference - 1)
            last = value
        size = sizes[number % len(sizes)]
        if size == -1 and any(folded):
            size = 0
        bits.put(size + 1, 4)
        for one in folded if size >= 0 else []:
            if size == 14:
                bits.put(one, 16)
            else:
                bits.text += "0" * (one >> size) + "1"
                bits.put(one, size)
    return int(bits.text.ljust(-(-len(bits.text) // 8) * 8, "0"), 2).to_bytes(-(-len(bits.text) // 8), "big")


@given(
    rows=st.lists(
        st.tuples(
            st.lists(st.one_of(st.integers(-40, 40), st.integers(-32768, 32767)), min_size=13, max_size=13),
            st.lists(st.integers(-1, 14), min_size=1, max_size=4),
        ),
        min_size=1,
        max_size=4,
    ),
    block=st.integers(1, 20),
)
def test_the_decoder_keeps_to_the_standard(rows: list[tuple[list[int], list[int]]], block: int) -> None:
    """Rows in any size of block and with any number of low bits decode to what was coded, however badly it was."""
    coded = [rice_coded(row, block, sizes) for row, sizes in rows]
    stops = np.cumsum([len(one) for one in coded])
    data = b"".join(coded)
    words = np.frombuffer(data.ljust(-(-len(data) // 8) * 8 + PADDING, b"\0"), ">u8").astype(np.uint64)
    starts = stops - [len(one) for one in coded]
    out = np.empty((len(rows), 13), np.int16)
    assert decode_rice(words, starts=starts, stops=stops, block=block, out=out)
    assert out.tolist() == [row for row, _ in rows]
    short = stops - 2
    assert not decode_rice(words, starts=starts, stops=np.maximum(short, starts), block=block, out=out)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_kept_is_unpacked_once(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kept source gives the same samples in bands of any height, and unpacks each row once."""
    pixels = noisy(30, 70)
    path = packed(tmp_path / "a.fits.fz", pixels, kind)
    unpacked: list[int] = []
    real = TiledSource._unpack

    def counted(source: TiledSource, row: int, out: NDArray[np.int16]) -> None:
        unpacked.extend(range(row, row + len(out)))
        real(source, row, out)

    monkeypatch.setattr(TiledSource, "_unpack", counted)
    source = kept_if_packed(open_source(path))
    for height in (7, 30, 4):
        for start in range(0, 30, height):
            out = np.empty((min(height, 30 - start), 70), np.int16)
            source.read_raw(Tile(start=start, stop=start + len(out)), out)
            stored = out.byteswap() if source.encoding.swapped else out
            assert np.array_equal(stored.astype(np.int32) + 32768, pixels[start : start + len(out)])
    assert sorted(unpacked) == list(range(30))
    assert np.array_equal(source.read(Tile(start=3, stop=9)), pixels[3:9])
    assert source.content_hash() == f"xxh3:{xxhash.xxh3_128_hexdigest(path.read_bytes())}"
    source.close()


def test_a_damaged_row_is_damage_each_time(tmp_path: Path) -> None:
    """What could not be unpacked is not kept."""
    path = packed(tmp_path / "a.fits.fz", noisy(6, 40), "GZIP_1")
    rewrite_first_row(path, b"no gzip data at all")
    source = kept_if_packed(open_source(path))
    for _ in range(2):
        with pytest.raises(DamagedFileError):
            source.read_raw(Tile(start=0, stop=6), np.empty((6, 40), np.int16))
    source.close()


def test_plain_files_are_not_kept(tmp_path: Path) -> None:
    """What need not be unpacked is read again."""
    fits.PrimaryHDU(noisy(4, 8)).writeto(tmp_path / "a.fits")
    with open_source(tmp_path / "a.fits") as source:
        assert kept_if_packed(source) is source
