"""Pictures for pages: what is written as PNG is read back to the same shades."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evenfield.write.png import png_bytes


def shades_of(data: bytes) -> np.ndarray:
    """The shades of a gray PNG of 8 bits, by the standard's own words: checks sums, undoes filters 0, 1 and 2."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length]) == (zlib.crc32(kind + body),)
        chunks[kind] = body
        at += 12 + length
    columns, rows, depth, color, *others = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, color, others) == (8, 0, [0, 0, 0])
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(rows, columns + 1)
    out = np.zeros((rows, columns), np.uint8)
    for row, line in enumerate(lines):
        if line[0] == 1:
            out[row] = np.cumsum(line[1:], dtype=np.uint64).astype(np.uint8)
        else:
            above = out[row - 1] if row and line[0] == 2 else np.zeros(columns, np.uint8)
            out[row] = line[1:] + above
    return out


@given(arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 255)))
def test_round_trip(gray: np.ndarray) -> None:
    """Any picture comes back as it was."""
    np.testing.assert_array_equal(shades_of(png_bytes(gray)), gray)


def test_smooth_pictures_are_small() -> None:
    """A slope takes less than a twentieth of its pixels, which needs the filters."""
    y, x = np.mgrid[:200, :300]
    assert len(png_bytes(((x + y) % 256).astype(np.uint8))) < 200 * 300 / 20


def test_the_window_reads_it() -> None:
    """A reader that is not ours sees the same shades."""
    gui = pytest.importorskip("PySide6.QtGui")
    gray = np.random.default_rng(1).integers(0, 256, (7, 13)).astype(np.uint8)
    image = gui.QImage.fromData(png_bytes(gray))
    assert (image.height(), image.width()) == gray.shape
    assert [[image.pixelColor(x, y).red() for x in range(13)] for y in range(7)] == gray.tolist()
