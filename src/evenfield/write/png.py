"""Pictures in shades of gray as PNG, for pages: no library is needed for these hundred bytes around zlib."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray


def png_bytes(gray: NDArray[np.uint8], *, level: int = 6) -> bytes:
    """A picture (rows, columns) of shades, uint8, as PNG (ISO/IEC 15948: 8 bits, color type 0).

    Each line is stored as it is, or as its difference from the line above or the pixel before (filters 0, 2, 1),
    whichever has the smaller sum of absolute values: the heuristic of section 12.8 there.

    Parameters
    ----------
    gray : uint8 array (rows, columns)
    level : int
        zlib's: 1 is fast, 9 small.
    """
    rows, columns = gray.shape
    before = np.zeros_like(gray)
    before[:, 1:] = gray[:, :-1]
    above = np.zeros_like(gray)
    above[1:] = gray[:-1]
    ways = np.stack([gray, gray - before, gray - above])  # modulo 256, as the standard has it
    sizes = np.abs(ways.view(np.int8).astype(np.int16)).sum(axis=2, dtype=np.int64)
    best = sizes.argmin(axis=0)
    lines = np.empty((rows, columns + 1), np.uint8)
    lines[:, 0] = best
    lines[:, 1:] = ways[best, np.arange(rows)]
    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), level)), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n"
    for kind, body in chunks:
        data += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return data
