"""The table of a tile-compressed image (FITS Standard 4.0, section 10): where in the file each tile lies."""

from __future__ import annotations

import dataclasses
import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenfield.model.header import CardValue
from evenfield.read.access import FileBytes
from evenfield.read.hdu import Hdu

RICE: Final = ("RICE_1", "RICE_ONE")
GZIP: Final = ("GZIP_1", "GZIP_2")

_COLUMN = re.compile(r"1?([PQ])B(?:\(\d*\))?")
_MOST_BLOCK: Final = 1 << 16


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TileTable:
    """The table of an image of 16-bit integers whose tiles are its rows, each in one of the known algorithms.

    ``start`` is the position of the table in the file, ``heap`` that of the tiles' bytes, ``stop`` where they end.
    """

    algorithm: str
    block: int
    rows: int
    wide: bool
    start: int
    heap: int
    stop: int


def tile_table(hdu: Hdu) -> TileTable | None:
    """The table of a compressed image; ``None`` where it is of a sort that is left to astropy."""
    first = hdu.cards.first()
    algorithm = first.get("ZCMPTYPE")
    column = _COLUMN.fullmatch(str(first.get("TFORM1", "")))
    if algorithm not in RICE + GZIP or hdu.bitpix != 16 or column is None:
        return None
    rows, columns = hdu.shape
    row_bytes = 8 if column[1] == "P" else 16
    wanted = {
        "TFIELDS": 1,
        "TTYPE1": "COMPRESSED_DATA",
        "NAXIS1": row_bytes,
        "NAXIS2": rows,
        "ZNAXIS": 2,
        "ZTILE1": columns,
        "ZTILE2": 1,
    }
    given = {"ZTILE1": columns, "ZTILE2": 1, **first}
    if any(given.get(keyword) != value for keyword, value in wanted.items()):
        return None
    block, sample_bytes = _setting(first, "BLOCKSIZE", 32), _setting(first, "BYTEPIX", 4)
    if algorithm in RICE and (sample_bytes != 2 or not 0 < block <= _MOST_BLOCK):
        return None
    heap = first.get("THEAP", row_bytes * rows)
    if type(heap) is not int or heap < row_bytes * rows or hdu.data_start + heap > hdu.data_stop:
        return None
    return TileTable(
        algorithm=str(algorithm),
        block=block,
        rows=rows,
        wide=column[1] == "Q",
        start=hdu.data_start,
        heap=hdu.data_start + heap,
        stop=hdu.data_stop,
    )


def tile_places(file: FileBytes, *, table: TileTable) -> NDArray[np.int64] | None:
    """(first byte, behind the last byte) of each tile in the file; ``None`` where one is empty or lies elsewhere."""
    kind = np.dtype(">i8" if table.wide else ">i4")
    data = file.read(table.start, table.rows * 2 * kind.itemsize)
    if len(data) < table.rows * 2 * kind.itemsize:
        return None
    found = np.frombuffer(data, kind).reshape(-1, 2).astype(np.int64)
    lengths, offsets = found[:, 0], found[:, 1]
    most = table.stop - table.heap
    # Each alone, before they are added up: damaged numbers must not wrap.
    if lengths.min() < 1 or offsets.min() < 0 or lengths.max() > most or offsets.max() > most:
        return None
    places = np.stack([offsets, offsets + lengths], axis=1) + table.heap
    return None if places.max() > table.stop else places


def _setting(first: dict[str, CardValue], name: str, default: int) -> int:
    """A parameter of the algorithm from the pairs ZNAMEi, ZVALi; -1 where it is no whole number."""
    for number in range(1, 100):
        said = first.get(f"ZNAME{number}")
        if said is None:
            return default
        if isinstance(said, str) and said.upper() == name:
            value = first.get(f"ZVAL{number}")
            return value if type(value) is int else -1
    return default
