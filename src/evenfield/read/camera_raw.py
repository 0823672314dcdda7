"""The raw files of cameras through LibRaw: the mosaic as the sensor gave it, without its black border.

No demosaicing, no white balance, no black level taken away: that is part of the bias. What the camera says of itself is
brought to the keywords that capture programs write.
"""

from __future__ import annotations

import contextlib
import datetime
import importlib
import io
import logging
import re
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import xxhash
from numpy.typing import NDArray

from evenfield.errors import DamagedFileError, ReadError, UnsupportedError
from evenfield.model.header import CardValue, RawHeader
from evenfield.read.access import ByteStream, FileBytes
from evenfield.read.decode import SampleFormat
from evenfield.read.hashing import ContentHash
from evenfield.read.refusals import COPY_AGAIN, refusal
from evenfield.read.stored import FileSource
from evenfield.read.unpacked import finished_scratch, scratch_file

INSTALL: Final = 'Install it: python3 -m pip install "evenfield[raw]".'

HEADER_BYTES: Final = 1 << 16
"""So many bytes from the start are hashed as the header: cameras put what they tell of a picture there."""

LEAST_BITS: Final = 1
"""No camera packs its pixels into less than so many bits each; LibRaw gives zeros for what is missing."""

_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")
_TEMPERATURES: Final = ("MakerNote CameraTemperature", "MakerNote SensorTemperature", "EXIF AmbientTemperature")


def read_raw_header(file: FileBytes, *, path: str, start: bytes) -> RawHeader:
    """The header of a camera's raw file, of which ``start`` are the first bytes.

    LibRaw unpacks the pixels before it tells anything, which takes a few tenths of a second.

    Raises
    ------
    ReadError
        If the package for it is not installed.
    DamagedFileError, UnsupportedError
        If LibRaw cannot read the file, or it holds no mosaic.
    """
    with _opened(path) as raw:
        return _header(raw, file, path=path, start=start)


def open_raw(file: FileBytes, *, path: str, start: bytes, content_hash: ContentHash, scratch: str | None) -> FileSource:
    """Open the pixels of a camera's raw file, unpacked once into a scratch file; ``file`` belongs to the source then.

    Raises
    ------
    ReadError
        As `read_raw_header`; also if the scratch folder is full.
    """
    with _opened(path) as raw:
        header = _header(raw, file, path=path, start=start)
        with _told(path):
            # A copy: the memory goes with the file.
            pixels: NDArray[np.uint16] = np.array(raw.raw_image_visible, dtype="<u2", order="C", copy=True)
    if pixels.shape != header.shape:
        raise refusal(DamagedFileError, path, "its pixels do not fit its header", mend=COPY_AGAIN)
    with scratch_file(path, scratch=scratch) as out:
        out.write(pixels.data)
        samples = finished_scratch(out, path=path)
    content_hash.finish(file)
    file.close()
    how = SampleFormat(dtype=np.dtype("<u2"))
    return FileSource(header, samples=samples, how=how, start=0, content_hash=content_hash)


@contextlib.contextmanager
def _opened(path: str) -> Iterator[Any]:
    """LibRaw's view of a file."""
    try:
        rawpy = importlib.import_module("rawpy")
    except ImportError:
        reason = "a camera's raw file, and rawpy is not installed"
        raise refusal(ReadError, path, reason, mend=INSTALL, code="raw_not_installed") from None
    raw = rawpy.RawPy()
    try:
        with _told(path):
            raw.open_file(path)
        yield raw
    finally:
        raw.close()


@contextlib.contextmanager
def _told(path: str) -> Iterator[None]:
    """LibRaw's errors as ours."""
    rawpy = importlib.import_module("rawpy")
    try:
        yield
    except rawpy.LibRawFileUnsupportedError as error:
        mend = "Convert it to DNG, or to FITS (16-bit, not debayered)."
        raise refusal(UnsupportedError, path, "a raw file that LibRaw does not know", mend=mend) from error
    except rawpy.LibRawError as error:
        words = (
            error.args[0].decode(errors="replace") if error.args and isinstance(error.args[0], bytes) else str(error)
        )
        raise refusal(DamagedFileError, path, f"LibRaw cannot read it ({words})", mend=COPY_AGAIN) from error


def _header(raw: Any, file: FileBytes, *, path: str, start: bytes) -> RawHeader:
    with _told(path):
        sizes = raw.sizes
        cards = tuple((keyword, value) for keyword, value in _cards(raw, file, path) if value is not None)
    if sizes.height <= 0 or sizes.width <= 0:
        raise refusal(DamagedFileError, path, "it holds no picture", mend=COPY_AGAIN)
    if 8 * file.size < LEAST_BITS * sizes.height * sizes.width:
        reason = f"cut short: {file.size} bytes for {sizes.width} x {sizes.height} pixels"
        raise refusal(DamagedFileError, path, reason, mend=COPY_AGAIN, code="truncated")
    hashed = xxhash.xxh3_128(start[:HEADER_BYTES])
    hashed.update(file.size.to_bytes(8, "little"))
    return RawHeader(
        path=path,
        cards=cards,
        shape=(int(sizes.height), int(sizes.width)),
        sample="uint16",
        size_bytes=file.size,
        mtime_ns=file.mtime_ns,
        header_hash=hashed.hexdigest(),
    )


def _cards(raw: Any, file: FileBytes, path: str) -> Iterator[tuple[str, CardValue]]:
    tags = _tags(file)
    other = raw.other
    yield "INSTRUME", _camera(tags)
    yield "EXPTIME", _ratio(tags, "EXIF ExposureTime") or _positive(other.shutter_speed)
    yield "ISOSPEED", _positive(other.iso_speed)
    taken = other.timestamp
    if isinstance(taken, datetime.datetime) and taken.year > 1990:
        # The camera's clock, in the zone that its owner set.
        yield "DATE-LOC", taken.isoformat(timespec="seconds")
    yield "FOCALLEN", _positive(other.focal_length)
    yield "APERTURE", _positive(other.aperture)
    yield "CCD-TEMP", _temperature(tags)
    yield "BAYERPAT", _pattern(raw, path)
    yield "ROWORDER", "TOP-DOWN"
    white = raw.white_level
    yield "SATURATE", int(white) if white else None
    yield "SWCREATE", "camera raw"


def _tags(file: FileBytes) -> dict[str, Any]:
    """What exifread finds, nothing where it is not installed or does not know the file."""
    try:
        exifread = importlib.import_module("exifread")
    except ImportError:
        return {}
    # Whatever the reader of tags does not understand is not known: the picture is there all the same.
    with contextlib.suppress(Exception):
        # It tells its troubles to the log; a file without tags is none to the user.
        logging.getLogger("exifread").setLevel(logging.CRITICAL)
        found: dict[str, Any] = exifread.process_file(io.BufferedReader(ByteStream(file), 1 << 16), details=True)
        return found
    return {}


def _camera(tags: dict[str, Any]) -> str | None:
    maker, model = (str(tags[name]).strip() if name in tags else "" for name in ("Image Make", "Image Model"))
    if not model:
        return None
    first = maker.split(" ")[0] if maker else ""
    return model if not first or model.lower().startswith(first.lower()) else f"{first.title()} {model}"


def _ratio(tags: dict[str, Any], name: str) -> float | None:
    """A fraction as the camera wrote it, 1/400: LibRaw has it in 32 bits only."""
    values = getattr(tags.get(name), "values", None)
    if not values:
        return None
    value = values[0]
    numerator, denominator = getattr(value, "num", None), getattr(value, "den", None)
    if numerator is None or not denominator:
        return None
    return _positive(numerator / denominator)


def _positive(value: Any) -> float | None:
    number = float(value or 0.0)
    return round(number, 6) if 0.0 < number < 1e9 else None


def _temperature(tags: dict[str, Any]) -> float | None:
    for name in _TEMPERATURES:
        found = _NUMBER.search(str(tags[name])) if name in tags else None
        if found is not None and -60.0 < float(found[0]) < 100.0:
            return float(found[0])
    return None


def _pattern(raw: Any, path: str) -> str:
    """The colors of the mosaic from the first visible pixel on, 4 letters or 36."""
    pattern = raw.raw_pattern
    if pattern is None or pattern.shape not in ((2, 2), (6, 6)):
        reason = "its pixels are no mosaic of colors"
        raise refusal(UnsupportedError, path, reason, mend="Convert it to FITS (16-bit, one plane).")
    letters = raw.color_desc.decode("ascii", errors="replace")
    return "".join(letters[int(index)] for index in pattern.ravel())
