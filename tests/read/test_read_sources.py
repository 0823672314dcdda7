"""Sources of pixels."""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xxhash
from astropy.io import fits

from evenfield.errors import DamagedFileError, EvenfieldError, ReadError, SettingsError, UsageError
from evenfield.model.pixels import Encoding, PixelSource, Tile, Unit
from evenfield.read import (
    ArraySource,
    CroppedSource,
    access,
    keeping_files,
    open_source,
    read_header,
    read_history,
    read_image,
)

RNG = np.random.default_rng(7)
PIXELS = RNG.integers(0, 65536, (90, 70), dtype=np.uint16)
SMOOTH = (1000 + 3 * np.arange(90)[:, None] + 2 * np.arange(70) + RNG.integers(0, 9, (90, 70))).astype(np.int32)


def save(path: Path, data: np.ndarray, **cards: object) -> Path:
    hdu = fits.PrimaryHDU(data)
    hdu.header.update(cards)
    hdu.writeto(path)
    return path


def bands(source: PixelSource, step: int = 13) -> np.ndarray:
    rows = source.shape[0]
    return np.concatenate([source.read(Tile(start=at, stop=min(at + step, rows))) for at in range(0, rows, step)])


def raw(source: PixelSource, tile: Tile) -> np.ndarray:
    out = np.zeros((tile.rows, source.shape[1]), dtype=source.encoding.numpy_dtype)
    source.read_raw(tile, out)
    return out


def decoded(source: PixelSource, tile: Tile) -> np.ndarray:
    """The true values by way of the raw ones, as a kernel makes them."""
    values = raw(source, tile)
    if source.encoding.swapped:
        values = values.byteswap()
    return values.astype(np.float32) + np.float32(source.encoding.bzero)


def test_sixteen_bits_come_as_they_are_stored(tmp_path: Path) -> None:
    """Plain 16-bit integers are handed over undecoded, with what it takes to decode them."""
    with open_source(save(tmp_path / "a.fits", PIXELS)) as source:
        assert isinstance(source, PixelSource)
        little = np.dtype(">i2").isnative is False
        assert source.encoding == Encoding(dtype="int16", swapped=little, bzero=32768.0)
        tile = Tile(start=5, stop=40)
        assert np.array_equal(decoded(source, tile), PIXELS[5:40])
        assert np.array_equal(source.read(tile), PIXELS[5:40])
    with open_source(save(tmp_path / "b.fits", PIXELS.astype(np.int16))) as source:
        assert source.encoding.bzero == 0
        assert np.array_equal(decoded(source, tile), PIXELS.astype(np.int16)[5:40])


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.uint32, np.int64, np.float32, np.float64])
def test_all_other_types_come_as_float32(tmp_path: Path, dtype: type) -> None:
    """Any other type is decoded to the nearest float32 of the true value."""
    data = (PIXELS.astype(np.float64) * 3.7).astype(dtype)
    with open_source(save(tmp_path / "a.fits", data)) as source:
        assert source.encoding == Encoding(dtype="float32")
        assert np.array_equal(bands(source), data.astype(np.float32))
        assert np.array_equal(raw(source, Tile(start=3, stop=9)), data[3:9].astype(np.float32))


def test_scaled_and_blank_integers_are_decoded(tmp_path: Path) -> None:
    """BSCALE and BZERO are applied in float64 and rounded once; BLANK is NaN, before scaling."""
    data = PIXELS.astype(np.int16)
    data[4, 5] = -99
    path = save(tmp_path / "a.fits", data)
    with fits.open(path, mode="update", do_not_scale_image_data=True) as hdus:
        hdus[0].header.update({"BSCALE": 0.1, "BZERO": 7.3, "BLANK": -99})
    with open_source(path) as source:
        assert source.header.sample == "float32"
        wanted = (data.astype(np.float64) * 0.1 + 7.3).astype(np.float32)
        wanted[data == -99] = np.nan
        assert np.array_equal(bands(source), wanted, equal_nan=True)


def test_not_numbers_and_infinite_values_pass(tmp_path: Path) -> None:
    """NaN stays NaN; a float64 beyond float32 is infinite, without a warning."""
    data = PIXELS.astype(np.float64)
    data[0, :3] = np.nan, np.inf, 1e300
    with open_source(save(tmp_path / "a.fits", data)) as source:
        first = source.read(Tile(start=0, stop=1))[0, :3]
    assert np.array_equal(first, np.array([np.nan, np.inf, np.inf], np.float32), equal_nan=True)


@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1", "NOCOMPRESS"])
def test_compressed_images_equal_the_plain_ones(tmp_path: Path, kind: str) -> None:
    """Each lossless compression gives the pixels back, whatever the bands, also gzipped on top."""
    data = SMOOTH
    path = tmp_path / "a.fits.fz"
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(data, compression_type=kind)]).writeto(path)
    with open_source(path) as source:
        assert source.encoding.dtype == "float32"
        assert np.array_equal(bands(source), data)
        assert source.content_hash() == "xxh3:" + xxhash.xxh3_128(path.read_bytes()).hexdigest()
    packed = tmp_path / "a.fits.fz.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    with open_source(packed) as source:
        assert np.array_equal(bands(source), data)
        assert source.content_hash() == "xxh3:" + xxhash.xxh3_128(packed.read_bytes()).hexdigest()


def test_blank_and_unsigned_values_of_compressed_images(tmp_path: Path) -> None:
    """BLANK is NaN and BZERO is applied also where astropy unpacks."""
    data = PIXELS.astype(np.int16)
    hdu = fits.CompImageHDU(data, compression_type="RICE_1")
    hdu.header["BLANK"] = int(data[3, 4])
    hdu.writeto(tmp_path / "a.fits.fz")
    with open_source(tmp_path / "a.fits.fz") as source:
        wanted = np.where(data == data[3, 4], np.nan, data.astype(np.float32))
        assert np.array_equal(bands(source), wanted, equal_nan=True)
    fits.CompImageHDU(PIXELS, compression_type="RICE_1").writeto(tmp_path / "b.fits.fz")
    with open_source(tmp_path / "b.fits.fz") as source:
        assert np.array_equal(bands(source), PIXELS)


def test_tall_tiles_are_unpacked_once(tmp_path: Path) -> None:
    """An image compressed as one tile is unpacked into the scratch folder, of which nothing is left."""
    path, scratch = tmp_path / "a.fits.fz", tmp_path / "scratch"
    scratch.mkdir()
    fits.CompImageHDU(PIXELS, compression_type="RICE_1", tile_shape=PIXELS.shape).writeto(path)
    with open_source(path, scratch=str(scratch)) as source:
        assert np.array_equal(bands(source), PIXELS)
        assert source.content_hash() == "xxh3:" + xxhash.xxh3_128(path.read_bytes()).hexdigest()
    assert list(scratch.iterdir()) == []


def test_broken_compressed_data_are_damage(tmp_path: Path) -> None:
    """Compressed bytes changed at random give pixels or one of our errors, never another."""
    path = tmp_path / "a.fits.fz"
    refusals = 0
    for kind in ("RICE_1", "GZIP_2", "HCOMPRESS_1"):
        fits.CompImageHDU(SMOOTH, compression_type=kind).writeto(path, overwrite=True)
        good = path.read_bytes()
        for _ in range(25):
            broken = bytearray(good)
            for at in RNG.integers(2880, len(good), 20):
                broken[at] = RNG.integers(0, 256)
            path.write_bytes(broken)
            try:
                with open_source(path) as source:
                    bands(source)
            except EvenfieldError:
                refusals += 1
    assert refusals > 10


def test_gzipped_files_are_unpacked_to_scratch(tmp_path: Path) -> None:
    """The pixels are those of the plain file, the hash that of the stored one, and nothing is left behind."""
    plain = save(tmp_path / "a.fits", PIXELS)
    packed, scratch = tmp_path / "a.fits.gz", tmp_path / "scratch"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    scratch.mkdir()
    with open_source(packed, scratch=str(scratch), hash_kind="sha256") as source:
        assert source.encoding.dtype == "int16"
        assert np.array_equal(bands(source), PIXELS)
        assert source.content_hash() == "sha256:" + hashlib.sha256(packed.read_bytes()).hexdigest()
        assert source.header.path == str(packed)
        assert source.header.size_bytes == packed.stat().st_size
    assert list(scratch.iterdir()) == []


def test_a_gzipped_file_cut_short_is_told(tmp_path: Path) -> None:
    """Packed data that end early are found when the file is opened for its pixels."""
    plain = save(tmp_path / "a.fits", PIXELS)
    packed = tmp_path / "a.fits.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes())[:-3000])
    with pytest.raises(DamagedFileError, match="gzip data end early") as caught:
        open_source(packed)
    assert caught.value.code == "truncated"
    packed.write_bytes(gzip.compress(plain.read_bytes()[:9000]))
    with pytest.raises(DamagedFileError, match="cut short: 9000 of 15480 bytes"):
        open_source(packed)


def test_scratch_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """A scratch folder that does not exist is named."""
    packed = tmp_path / "a.fits.gz"
    packed.write_bytes(gzip.compress(save(tmp_path / "a.fits", PIXELS).read_bytes()))
    with pytest.raises(ReadError, match="nowhere") as caught:
        open_source(packed, scratch=str(tmp_path / "nowhere"))
    assert caught.value.mend


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("order", ["forward", "backward", "nothing", "part", "threads"])
@pytest.mark.parametrize("kind", ["xxh3", "sha256"])
def test_the_content_hash_is_that_of_the_bytes(tmp_path: Path, dtype: type, order: str, kind: str) -> None:
    """Whatever was read in whatever order, the hash is that of all bytes of the file."""
    path = tmp_path / "a.fits"
    fits.HDUList([fits.PrimaryHDU(PIXELS.astype(dtype)), fits.ImageHDU(PIXELS)]).writeto(path)
    data = path.read_bytes()
    wanted = xxhash.xxh3_128(data) if kind == "xxh3" else hashlib.sha256(data)
    tiles = [Tile(start=at, stop=min(at + 20, 90)) for at in range(0, 90, 20)]
    with open_source(path, hash_kind=kind) as source:
        if order == "threads":
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda tile: raw(source, tile), tiles))
        else:
            chosen = {"forward": tiles, "backward": tiles[::-1], "nothing": [], "part": tiles[:2]}[order]
            for tile in chosen:
                raw(source, tile)
        assert source.content_hash() == source.content_hash() == f"{kind}:{wanted.hexdigest()}"


def test_reading_in_order_hashes_without_reading_again(tmp_path: Path) -> None:
    """After all bands in order only the tail of the file is still to be read."""
    path = save(tmp_path / "a.fits", PIXELS)
    with open_source(path) as source:
        bands(source)
        calls: list[int] = []
        read_into = source._samples.read_into
        source._samples.read_into = lambda view, offset: calls.append(offset) or read_into(view, offset)
        source.content_hash()
    assert calls == [2880 + PIXELS.nbytes]


def test_an_unknown_hash_is_refused(tmp_path: Path) -> None:
    """Only the two hashes exist."""
    with pytest.raises(SettingsError, match="md5"):
        open_source(save(tmp_path / "a.fits", PIXELS), hash_kind="md5")


def test_one_source_serves_many_threads(tmp_path: Path) -> None:
    """Bands read at the same time from one source do not mix."""
    data = RNG.random((400, 300))
    fits.CompImageHDU(data.astype(np.float32), compression_type="GZIP_2", quantize_level=0).writeto(tmp_path / "c.fz")
    paths = [
        save(tmp_path / "a.fits", (data * 65535).astype(np.uint16)),
        save(tmp_path / "b.fits", data),
        tmp_path / "c.fz",
    ]
    for path, whole in zip(paths, [(data * 65535).astype(np.uint16), data, data], strict=True):
        with open_source(path) as source, ThreadPoolExecutor(4) as pool:
            starts = RNG.integers(0, 390, 240)
            barrier = threading.Barrier(4)  # Four at a time, so that they do meet.
            found = pool.map(
                lambda at, source=source, barrier=barrier: (
                    barrier.wait(),
                    decoded(source, Tile(start=int(at), stop=int(at) + 10)),
                )[1],
                starts,
            )
            for at, band in zip(starts, found, strict=True):
                assert np.array_equal(band, whole[at : at + 10].astype(np.float32))


def test_systems_without_positioned_reads_are_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a lock, a seek and a read the pixels and hashes are the same, also between threads."""
    monkeypatch.setattr(access, "HAS_PREADV", False)
    path = save(tmp_path / "a.fits", PIXELS)
    tiles = [Tile(start=at, stop=at + 10) for at in range(0, 90, 10)] * 5
    with open_source(path) as source, ThreadPoolExecutor(4) as pool:
        for tile, found in zip(tiles, pool.map(lambda tile: decoded(source, tile), tiles), strict=True):
            assert np.array_equal(found, PIXELS[tile.start : tile.stop])
        assert source.content_hash() == "xxh3:" + xxhash.xxh3_128(path.read_bytes()).hexdigest()


def test_a_file_that_shrinks_is_an_error_not_a_crash(tmp_path: Path) -> None:
    """Rows that vanish after the file was opened are told as damage."""
    path = save(tmp_path / "a.fits", PIXELS)
    with open_source(path) as source:
        os.truncate(path, 5000)
        with pytest.raises(DamagedFileError, match="cut short while it was read"):
            source.read(Tile(start=80, stop=90))


def test_a_closed_source_gives_nothing(tmp_path: Path) -> None:
    """Closing twice is allowed, reading afterwards is not."""
    source = open_source(save(tmp_path / "a.fits", PIXELS))
    source.close()
    source.close()
    with pytest.raises(ValueError, match="closed"):
        source.read(Tile(start=0, stop=1))


def test_wrong_bands_and_buffers_are_refused(tmp_path: Path) -> None:
    """A band outside of the image or a buffer of another size or type is a mistake and told at once."""
    with open_source(save(tmp_path / "a.fits", PIXELS)) as source:
        for tile in (Tile(start=0, stop=91), Tile(start=5, stop=5), Tile(start=-1, stop=3)):
            with pytest.raises(ValueError, match="rows"):
                source.read(tile)
        for out in (np.zeros((2, 70), np.float32), np.zeros((3, 70), np.int16), np.zeros((70, 2), np.int16).T):
            with pytest.raises(ValueError, match="buffer"):
                source.read_raw(Tile(start=0, stop=2), out)


@pytest.mark.parametrize("dtype", [np.uint16, np.float64])
@pytest.mark.parametrize("region", [(10, 80, 0, 70), (0, 90, 5, 66), (7, 9, 69, 70)])
def test_a_crop_is_that_part_of_the_whole(tmp_path: Path, dtype: type, region: tuple[int, int, int, int]) -> None:
    """Cropped at opening or by the view, from a file or an array, the pixels are those of the region."""
    top, bottom, left, right = region
    data = PIXELS.astype(dtype)
    wanted = data[top:bottom, left:right].astype(np.float32)
    path = save(tmp_path / "a.fits", data)
    for source in (open_source(path, trim=region), CroppedSource(ArraySource(data), region)):
        assert source.shape == wanted.shape
        assert np.array_equal(bands(source, 9), wanted)
        assert np.array_equal(decoded(source, Tile(start=0, stop=bottom - top)), wanted)
        digest = "xxh3:" + xxhash.xxh3_128(path.read_bytes()).hexdigest()
        assert source.content_hash() == (digest if source.header else "")
        source.close()


def test_a_crop_outside_of_the_image_is_refused(tmp_path: Path) -> None:
    """The region and the image's size are named."""
    for region in [(0, 91, 0, 70), (0, 90, 70, 70), (5, 4, 0, 70)]:
        with pytest.raises(UsageError, match="70 x 90"):
            open_source(save(tmp_path / f"{region}.fits", PIXELS), trim=region)


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<i2", ">i2", "u1", "i4", "f4", ">f8", "?"])
def test_an_array_is_a_source(dtype: str) -> None:
    """Arrays of any number type and byte order give their values back; 16-bit ones as integers."""
    data = (PIXELS // 3).astype(dtype)
    source = ArraySource(data)
    assert isinstance(source, PixelSource)
    assert source.encoding.dtype == ("int16" if dtype[1:] in ("u2", "i2") else "float32")
    assert np.array_equal(bands(source), data.astype(np.float32))
    assert np.array_equal(decoded(source, Tile(start=2, stop=8)), data[2:8].astype(np.float32))
    with pytest.raises(UsageError, match="no image"):
        ArraySource(np.zeros((2, 2, 3)))


def test_a_whole_image_is_read_with_its_cards(tmp_path: Path) -> None:
    """An image holds float32 pixels that cannot be changed, its unit and its cards."""
    path = save(tmp_path / "a.fits", PIXELS, BUNIT="electron", EXPTIME=2.5)
    image = read_image(path)
    assert np.array_equal(image.pixels, PIXELS)
    assert image.pixels.dtype == np.float32
    assert image.unit is Unit.ELECTRON
    assert ("EXPTIME", 2.5) in image.header
    with pytest.raises(ValueError, match="read-only"):
        image.pixels[0, 0] = 1
    with fits.open(path, mode="update") as hdus:
        hdus[0].header["HISTORY"] = "made by hand"
    assert read_history(path) == ("made by hand",)


def test_the_limit_of_open_files_is_raised(tmp_path: Path) -> None:
    """More frames than the usual limit of open files can be open at once."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 512:
        pytest.skip("the hard limit of open files is too low here")
    path = save(tmp_path / "a.fits", PIXELS)
    sources: list[PixelSource] = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
        sources.extend(open_source(path) for _ in range(200))
        assert np.array_equal(sources[-1].read(Tile(start=0, stop=90)), PIXELS)
    finally:
        for source in sources:
            source.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_no_scratch_is_needed_for_plain_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain files are read where they are."""
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    with open_source(save(tmp_path / "a.fits", PIXELS)) as source:
        assert np.array_equal(bands(source), PIXELS)


def test_files_are_opened_once_while_they_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between reading the header and the pixels a kept file stays open; the pixels and hash are those of always."""
    path = save(tmp_path / "a.fits", PIXELS)
    with open_source(path) as source:
        wanted, hashed = source.read(Tile(start=0, stop=source.shape[0])), source.content_hash()
    opened: list[str] = []
    real = os.open

    def counted(name: str, flags: int) -> int:
        opened.append(name)
        return real(name, flags)

    monkeypatch.setattr(os, "open", counted)
    with keeping_files():
        header = read_header(path)
        with open_source(path) as source:
            assert source.header == header
            np.testing.assert_array_equal(source.read(Tile(start=0, stop=source.shape[0])), wanted)
            assert source.content_hash() == hashed
        assert opened == [str(path)]
        read_header(path)
    open_source(path).close()
    assert opened == [str(path)] * 3


@pytest.mark.parametrize("how", ["replaced", "written again", "gone"])
def test_a_kept_file_that_changed_is_not_taken(tmp_path: Path, how: str) -> None:
    """What lies under the name when the pixels are asked for is what is read."""
    path = save(tmp_path / "a.fits", PIXELS)
    with keeping_files():
        read_header(path)
        content = bytearray(path.read_bytes())
        content[-2880 - 4 :] = bytes(len(content[-2880 - 4 :]))
        if how == "written again":
            time.sleep(0.01)
            path.write_bytes(content)
        else:
            path.unlink()
        if how == "replaced":
            path.write_bytes(content)
        if how == "gone":
            with pytest.raises(ReadError):
                open_source(path)
            return
        with open_source(path) as source:
            assert source.content_hash() == f"xxh3:{xxhash.xxh3_128_hexdigest(bytes(content))}"


def test_no_more_files_are_kept_than_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files beyond the limit are closed at once, and all others in the end."""
    monkeypatch.setattr("evenfield.read.access.MOST_KEPT", 2)
    for name in "abc":
        save(tmp_path / f"{name}.fits", PIXELS)
    closed: list[str] = []
    real = access.FileBytes.close

    def noted(file: access.FileBytes) -> None:
        closed.append(Path(file.path).name)
        real(file)

    monkeypatch.setattr(access.FileBytes, "close", noted)
    with keeping_files():
        for name in "abc":
            read_header(tmp_path / f"{name}.fits")
        assert closed == ["c.fits"]
    assert sorted(closed) == ["a.fits", "b.fits", "c.fits"]
