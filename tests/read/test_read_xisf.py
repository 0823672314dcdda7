"""XISF files: the pixels and keywords that the `xisf` package wrote, and damage told as damage."""

from __future__ import annotations

import base64
import hashlib
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xxhash
from numpy.typing import NDArray
from xisf import XISF

from evenfield.describe.description import describe_frame
from evenfield.errors import DamagedFileError, NotAnImageError, ReadError, UnsupportedError
from evenfield.model.pixels import Tile
from evenfield.read import open_source, read_header, read_history, read_image

PIXELS = np.random.default_rng(3).integers(0, 65536, (37, 52), dtype=np.uint16)
KEYWORDS = {
    "IMAGETYP": "'FLAT    '",
    "EXPTIME": "2.5",
    "CCD-TEMP": "-10.",
    "GAIN": "100",
    "FILTER": "'H''alpha'",
    "SIMPLE": "T",
}


PLAIN = 'geometry="4:2:1" sampleFormat="UInt16"'
"""The attributes of a small image."""


def write(path: Path, pixels: NDArray[Any], *, codec: str | None = None, shuffle: bool = False) -> Path:
    """An XISF file by the `xisf` package."""
    keywords = {name: [{"value": value, "comment": "of the test"}] for name, value in KEYWORDS.items()}
    metadata = {"FITSKeywords": keywords, "XISFProperties": {}}
    how = {"creator_app": "a test", "image_metadata": metadata, "codec": codec, "shuffle": shuffle}
    XISF.write(str(path), pixels[..., None], **how)
    return path


def by_hand(path: Path, attributes: str, *, inside: str = "", behind: bytes = b"") -> Path:
    """An XISF file from the attributes of its image; ``POSITION`` in them is where ``behind`` begins."""
    for position in range(100, 5000):
        image = f"<Image {attributes.replace('POSITION', str(position))}>{inside}</Image>"
        head = '<?xml version="1.0" encoding="UTF-8"?><xisf version="1.0" xmlns="http://www.pixinsight.com/xisf">'
        text = f"{head}{image}</xisf>".encode()
        if 16 + len(text) <= position:
            break
    start = b"XISF0100" + len(text).to_bytes(4, "little") + bytes(4) + text
    path.write_bytes(start.ljust(position, b"\0") + behind)
    return path


def whole(path: Path) -> NDArray[np.float32]:
    """All pixels, read in bands of seven rows and as raw samples, which must agree."""
    with open_source(path) as source:
        rows, columns = source.shape
        bands, raws = [], []
        for start in range(0, rows, 7):
            tile = Tile(start=start, stop=min(start + 7, rows))
            bands.append(source.read(tile))
            raw = np.empty((tile.rows, columns), source.encoding.numpy_dtype)
            source.read_raw(tile, raw)
            values = raw.byteswap() if source.encoding.swapped else raw
            raws.append(values.astype(np.float32) + np.float32(source.encoding.bzero))
        assert source.content_hash() == f"xxh3:{xxhash.xxh3_128_hexdigest(path.read_bytes())}"
    np.testing.assert_array_equal(np.concatenate(bands), np.concatenate(raws))
    return np.concatenate(bands)


@pytest.mark.parametrize("shuffle", [False, True], ids=["", "shuffled"])
@pytest.mark.parametrize("codec", [None, "zlib", "lz4", "lz4hc", "zstd"])
@pytest.mark.parametrize("dtype", [np.uint16, np.uint32, np.float32, np.float64])
def test_files_of_the_xisf_package(tmp_path: Path, dtype: Any, codec: str | None, shuffle: bool) -> None:
    """Every sample, codec and order of bytes that users have comes back as it went in."""
    pixels = PIXELS.astype(dtype) if dtype == np.uint16 else (PIXELS.astype(np.float64) / 65535).astype(dtype)
    if dtype == np.uint32:
        pixels = PIXELS.astype(np.uint32) * 65537
    found = whole(write(tmp_path / "a.xisf", pixels, codec=codec, shuffle=shuffle and codec is not None))
    # 32-bit integers stand for 0 to 1, as PixInsight has it.
    wanted = pixels / (2.0**32 - 1) if dtype == np.uint32 else pixels
    np.testing.assert_array_equal(found, wanted.astype(np.float32))


def test_keywords_are_those_of_fits(tmp_path: Path) -> None:
    """Texts, numbers and truth values of FITS keywords; the frame is described as from a FITS file."""
    header = read_header(write(tmp_path / "a.xisf", PIXELS))
    assert (header.shape, header.sample) == ((37, 52), "uint16")
    assert header.get("IMAGETYP") == "FLAT"
    assert header.get("FILTER") == "H'alpha"
    assert header.get("EXPTIME") == 2.5
    assert header.get("GAIN") == 100
    assert header.get("SIMPLE") is True
    frame = describe_frame(header)
    assert (frame.kind, frame.exposure_s, frame.sensor_c) == ("flat", 2.5, -10.0)
    assert frame.setup.row_order == "TOP-DOWN"
    assert frame.setup.number_domain == "adu"


def test_16_bit_samples_go_undecoded(tmp_path: Path) -> None:
    """Plain 16-bit blocks are handed over as integers, as those of FITS are."""
    with open_source(write(tmp_path / "a.xisf", PIXELS)) as source:
        assert source.encoding.dtype == "int16"
        assert source.encoding.bzero == 32768


def test_floats_say_their_domain(tmp_path: Path) -> None:
    """Floats from 0 to 1 are of the unit domain; other bounds are brought to it, but for those of ADU."""
    ramp = np.linspace(0, 1, 12, dtype="<f4").reshape(3, 4)
    for bounds, factor, domain in (("0:1", 1.0, "unit"), ("0:65535", 65535.0, None), ("0:1000", 1000.0, "unit")):
        data = (ramp * np.float32(factor)).tobytes()
        attributes = f'geometry="4:3:1" sampleFormat="Float32" bounds="{bounds}" location="attachment:POSITION:48"'
        path = by_hand(tmp_path / "a.xisf", attributes, behind=data)
        wanted = ramp * 65535 if domain is None else ramp
        np.testing.assert_allclose(whole(path), wanted, rtol=1e-6)
        assert describe_frame(read_header(path)).setup.number_domain == domain


def test_properties_stand_in_for_keywords(tmp_path: Path) -> None:
    """Where keywords are missing, the image type, the mosaic and the usual properties tell the same."""
    inside = (
        '<ColorFilterArray pattern="GRBG" width="2" height="2"/>'
        '<Property id="Instrument:ExposureTime" type="Float32" value="120"/>'
        '<Property id="Instrument:Filter:Name" type="String">Luminance</Property>'
        '<Property id="Instrument:Sensor:Temperature" type="Float32" value="-9.8"/>'
        '<Property id="Instrument:Telescope:FocalLength" type="Float32" value="0.53"/>'
        '<Property id="Observation:Time:Start" type="TimePoint" value="2026-03-14T20:01:02Z"/>'
    )
    attributes = 'geometry="4:2:1" sampleFormat="UInt16" imageType="MasterDark" location="attachment:POSITION:16"'
    header = read_header(by_hand(tmp_path / "a.xisf", attributes, inside=inside, behind=bytes(16)))
    assert header.get("FOCALLEN") == 530
    frame = describe_frame(header)
    assert (frame.kind, frame.is_master, frame.exposure_s, frame.filter) == ("dark", True, 120.0, "Luminance")
    assert frame.sensor_c == -9.8
    assert frame.setup.cfa == "GRBG"
    assert frame.taken_at is not None


@pytest.mark.parametrize("where", ["inline", "embedded", "hex"])
def test_pixels_written_out_in_the_header(tmp_path: Path, where: str) -> None:
    """Pixels as base64 or hexadecimal digits, packed and with a checksum, in the image or in its data element."""
    data = zlib.compress(PIXELS[:4, :5].astype("<u2").tobytes())
    packing = f'compression="zlib:40" checksum="sha-1:{hashlib.sha1(data).hexdigest()}"'
    text = base64.b64encode(data).decode()
    if where == "inline":
        attributes, inside = f'location="inline:base64" {packing}', text
    elif where == "hex":
        attributes, inside = f'location="inline:hex" {packing}', data.hex()
    else:
        attributes, inside = 'location="embedded"', f'<Data encoding="base64" {packing}>{text}</Data>'
    path = by_hand(tmp_path / "a.xisf", f'geometry="5:4:1" sampleFormat="UInt16" {attributes}', inside=inside)
    np.testing.assert_array_equal(whole(path), PIXELS[:4, :5])


def test_blocks_packed_in_parts_and_big_endian(tmp_path: Path) -> None:
    """Parts packed one by one are put together; the other order of bytes is understood."""
    plain = PIXELS.astype(">u2").tobytes()
    parts = [zlib.compress(plain[:1000]), zlib.compress(plain[1000:])]
    pieces = f"{len(parts[0])},1000:{len(parts[1])},{len(plain) - 1000}"
    attributes = (
        f'geometry="52:37:1" sampleFormat="UInt16" byteOrder="big" compression="zlib:{len(plain)}" '
        f'subblocks="{pieces}" '
        f'location="attachment:POSITION:{sum(map(len, parts))}"'
    )
    np.testing.assert_array_equal(whole(by_hand(tmp_path / "a.xisf", attributes, behind=b"".join(parts))), PIXELS)
    attributes = f'geometry="52:37:1" sampleFormat="UInt16" byteOrder="big" location="attachment:POSITION:{len(plain)}"'
    np.testing.assert_array_equal(whole(by_hand(tmp_path / "b.xisf", attributes, behind=plain)), PIXELS)


def test_history_and_images(tmp_path: Path) -> None:
    """History is kept in order; `read_image` gives pixels and cards."""
    inside = "".join(f'<FITSKeyword name="HISTORY" value="" comment="{word}"/>' for word in ("first", "then"))
    attributes = 'geometry="4:2:1" sampleFormat="UInt16" location="attachment:POSITION:16"'
    path = by_hand(tmp_path / "a.xisf", attributes, inside=inside, behind=bytes(range(16)))
    assert read_history(path) == ("first", "then")
    assert read_image(path).pixels.tolist() == np.arange(16, dtype=np.uint8).view("<u2").reshape(2, 4).tolist()


def test_a_wrong_checksum_is_damage(tmp_path: Path) -> None:
    """One changed bit is found where the file has a checksum."""
    data = PIXELS.tobytes()
    for name in ("sha-1", "sha-256", "sha3-256"):
        digits = hashlib.new(name.replace("sha-", "sha").replace("sha3-", "sha3_"), data).hexdigest()
        attributes = f'geometry="52:37:1" sampleFormat="UInt16" checksum="{name}:{digits}" '
        attributes += f'location="attachment:POSITION:{len(data)}"'
        np.testing.assert_array_equal(whole(by_hand(tmp_path / "a.xisf", attributes, behind=data)), PIXELS)
        changed = by_hand(tmp_path / "b.xisf", attributes, behind=data[:-1] + bytes([data[-1] ^ 1]))
        with pytest.raises(DamagedFileError, match="checksum does not fit"):
            open_source(changed)


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ('geometry="4:2:3" sampleFormat="UInt16" location="attachment:POSITION:48"', UnsupportedError),
        ('geometry="4:2:2" sampleFormat="UInt16" location="attachment:POSITION:32"', UnsupportedError),
        ('geometry="4:2:2:1" sampleFormat="UInt16" location="attachment:POSITION:32"', UnsupportedError),
        ('geometry="4:2:1" sampleFormat="Complex32" location="attachment:POSITION:64"', UnsupportedError),
        (PLAIN + ' location="path:/elsewhere.dat"', UnsupportedError),
        ('geometry="4:0:1" sampleFormat="UInt16" location="attachment:POSITION:16"', DamagedFileError),
        ('geometry="4:2" sampleFormat="UInt16" location="attachment:POSITION:16"', DamagedFileError),
        (PLAIN + ' location="attachment:POSITION:18"', DamagedFileError),
        (PLAIN + ' location="attachment:POSITION"', DamagedFileError),
        (PLAIN + ' location="attachment:999999:16"', DamagedFileError),
        (PLAIN + ' location="attachment:-5:16"', DamagedFileError),
        (PLAIN + ' location="inline:base64"', DamagedFileError),
        (PLAIN + ' compression="lzma:16" location="attachment:POSITION:16"', DamagedFileError),
        (PLAIN + ' compression="zlib:16" location="attachment:POSITION:16"', DamagedFileError),
        (PLAIN + ' compression="lz4:16" location="attachment:POSITION:16"', DamagedFileError),
        (PLAIN + ' compression="zstd:16" location="attachment:POSITION:16"', DamagedFileError),
        ('geometry="4:2:1" sampleFormat="Float32" bounds="1:0" location="attachment:POSITION:32"', DamagedFileError),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, attributes: str, error: type[ReadError]) -> None:
    """Other geometries, samples and places are refused with a reason and a mend; what is wrong is damage."""
    path = by_hand(tmp_path / "a.xisf", attributes, behind=bytes(range(64)))
    with pytest.raises(error) as told:
        open_source(path)
    assert told.value.mend


def test_headers_that_are_none(tmp_path: Path) -> None:
    """No image, no XML, a header that is cut short, a length beyond reason."""
    path = by_hand(tmp_path / "a.xisf", 'geometry="4:2:1" sampleFormat="UInt16" location="attachment:POSITION:16"')
    good = path.read_bytes()
    for content, error in (
        (good.replace(b"Image", b"Other"), NotAnImageError),
        (good.replace(b"<Image", b"<<mage"), DamagedFileError),
        (good[:60], DamagedFileError),
        (good[:8] + b"\xff\xff\xff\xff" + good[12:], DamagedFileError),
        (good[:8], DamagedFileError),
    ):
        path.write_bytes(content)
        with pytest.raises(error):
            read_header(path)


def test_changed_bytes_are_pixels_or_damage(tmp_path: Path) -> None:
    """Whatever byte of a file is changed: pixels, or an error of the reader, and nothing else."""
    whole_file = write(tmp_path / "a.xisf", PIXELS, codec="lz4", shuffle=True).read_bytes()
    generator = np.random.default_rng(9)
    path = tmp_path / "b.xisf"
    for _ in range(300):
        changed = bytearray(whole_file)
        for place in generator.integers(0, len(changed), 3):
            changed[place] = generator.integers(0, 256)
        path.write_bytes(changed)
        try:
            with open_source(path) as source:
                source.read(Tile(start=0, stop=source.shape[0]))
        except ReadError:
            continue
