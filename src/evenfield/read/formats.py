"""What a file is, by its first bytes and its name: FITS, packed FITS, or something to be refused by its own name."""

from __future__ import annotations

import enum
import os
from typing import Final

from evenfield.errors import DamagedFileError, NotAnImageError, ReadError, UnsupportedError
from evenfield.read.refusals import COPY_AGAIN, LEAVE_OUT, refusal

FITS_SUFFIXES: Final = (".fit", ".fits", ".fts")
PACKED_SUFFIXES: Final = (".fz", *(name + packed for name in FITS_SUFFIXES for packed in (".gz", ".bz2", ".z", ".xz")))
CAMERA_RAW: Final[dict[str, str]] = {
    ".cr2": "Canon",
    ".cr3": "Canon",
    ".crw": "Canon",
    ".nef": "Nikon",
    ".arw": "Sony",
    ".raf": "Fujifilm",
    ".dng": "DNG",
    ".pef": "Pentax",
    ".orf": "Olympus",
    ".rw2": "Panasonic",
}
"""Suffix -> whose camera raw format it is."""

OTHER_SUFFIXES: Final = (".xisf", ".tif", ".tiff", ".ser")
IMAGE_SUFFIXES: Final = (*FITS_SUFFIXES, *PACKED_SUFFIXES, *CAMERA_RAW, *OTHER_SUFFIXES)
"""The names of image files inside a folder, lower case; some of them are listed only to be refused with a reason."""

_NOT_READ_YET: Final = "format_not_read_yet"
_CONVERT: Final = "Convert it to FITS (16-bit or 32-bit float, one plane, not debayered)."
_PACKED: Final = {
    b"BZh": ("bzip2", "bunzip2"),
    b"\x1f\x9d": ("compress (.Z)", "uncompress"),
    b"\xfd7zXZ\0": ("xz", "unxz"),
    b"\x28\xb5\x2f\xfd": ("zstandard", "unzstd"),
    b"PK\x03\x04": ("zip", "unzip"),
}
_IMAGE_MAGIC: Final = {
    b"LUCAM-RECORDER": "SER",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
_RAW_MAGIC: Final = (
    b"FUJIFILMCCD-RAW",
    b"II\x1a\0\0\0HEAPCCDR",
    b"IIU\0",
    b"IIR",
    b"II*\0\x10\0\0\0CR",
)
_OTHER_MAGIC: Final = {
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89PNG": "a PNG picture",
    b"GIF8": "a GIF picture",
    b"BM": "a BMP picture",
    b"%PDF": "a PDF document",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy file",
    b"XTENSION": "a FITS extension without its primary header",
}


class Container(enum.Enum):
    """What a file that is read is: plain FITS, gzip'd FITS, XISF, or a camera's raw file."""

    PLAIN = "plain"
    GZIP = "gzip"
    XISF = "xisf"
    RAW = "raw"


def container(start: bytes, path: str) -> Container:
    """What a file is, from its first bytes.

    Raises
    ------
    DamagedFileError
        If there are no bytes.
    UnsupportedError
        For image formats and packings that are known, but not read.
    NotAnImageError
        For everything else.
    """
    if start.startswith(b"SIMPLE"):
        return Container.PLAIN
    if start.startswith(b"\x1f\x8b"):
        return Container.GZIP
    if start.startswith(b"XISF0100"):
        return Container.XISF
    if _is_raw(start, path):
        return Container.RAW
    raise _not_fits(start, path)


def _is_raw(start: bytes, path: str) -> bool:
    """Whether a file is a camera's raw file: most are TIFF inside, so that their name has to tell."""
    if start[4:11] == b"ftypcrx" or any(start.startswith(magic) for magic in _RAW_MAGIC):
        return True
    named = os.path.splitext(path)[1].lower() in CAMERA_RAW
    return named and start[:4] in (b"II*\0", b"MM\0*")


def _not_fits(start: bytes, path: str) -> ReadError:
    """The error that says what a file that is no FITS seems to be."""
    if not start:
        return refusal(DamagedFileError, path, "empty", mend=COPY_AGAIN, code="empty")
    for magic, (name, command) in _PACKED.items():
        if start.startswith(magic):
            reason, mend = f"packed by {name}, which is not read yet", f"Unpack it with {command} first."
            return refusal(UnsupportedError, path, reason, mend=mend, code=_NOT_READ_YET)
    suffix = os.path.splitext(path)[1].lower()
    if suffix in CAMERA_RAW:
        return refusal(DamagedFileError, path, f"no {CAMERA_RAW[suffix]} raw file inside", mend=COPY_AGAIN)
    name = next((word for magic, word in _IMAGE_MAGIC.items() if start.startswith(magic)), "")
    if name or suffix in OTHER_SUFFIXES:
        reason = f"{name or suffix[1:].upper()} is not read yet"
        return refusal(UnsupportedError, path, reason, mend=_CONVERT, code=_NOT_READ_YET)
    what = next((word for magic, word in _OTHER_MAGIC.items() if start.startswith(magic)), "")
    if not what:
        what = "only zero bytes" if not start.strip(b"\0") else "no FITS file (it does not begin with SIMPLE)"
    return refusal(NotAnImageError, path, what, mend=LEAVE_OUT)
