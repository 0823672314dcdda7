"""One HDU of a FITS file: what it holds, its shape, and how its samples are stored."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Final

from evenfield.model.header import CardValue
from evenfield.read.cards import BLOCK, HeaderCards

_BITPIX: Final = (8, 16, 32, 64, -32, -64)
_UNSIGNED_ZERO: Final = {8: -128.0, 16: 32768.0, 32: 2147483648.0, 64: 9223372036854775808.0}
"""BITPIX -> the BZERO by which FITS stores integers of the other signedness (FITS Standard 4.0, section 5.2.5)."""

_STORAGE = re.compile(
    r"SIMPLE|XTENSION|EXTEND|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|GROUPS|BSCALE|BZERO|BLANK|CHECKSUM|DATASUM|EXTNAME|EXTVER"
    r"|EXTLEVEL|INHERIT|THEAP|TFIELDS|T(?:TYPE|FORM|UNIT|DIM|NULL|SCAL|ZERO|DISP)\d+"
)
"""Cards that say how an HDU is stored: those of the primary HDU mean nothing for an image in an extension."""

_COMPRESSION = re.compile(
    r"Z(?:IMAGE|CMPTYPE|BITPIX|NAXIS\d*|TILE\d+|NAME\d+|VAL\d+|MASKCMP|QUANTIZ|DITHER0|SIMPLE|TENSION|EXTEND|BLOCKED"
    r"|PCOUNT|GCOUNT|HECKSUM|DATASUM|BLANK|SCALE|ZERO)"
    r"|XTENSION|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|THEAP|TFIELDS|T(?:TYPE|FORM|UNIT|DIM|NULL|SCAL|ZERO|DISP)\d+"
)
"""Cards of the table that holds a compressed image; the image as it was before had none of them."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Hdu:
    """One HDU, from its header alone.

    ``what`` names what it holds where that is no image ("a table"), "" where it holds nothing; ``planes`` is the
    product of the axes beyond the second. The true value of a stored integer is ``stored * bscale + bzero``, NaN where
    it equals ``blank``; ``data_start``, ``data_stop`` (unpadded) and ``end`` (padded) are positions in the file.
    """

    index: int
    cards: HeaderCards
    is_image: bool
    what: str
    shape: tuple[int, int]
    planes: int
    bitpix: int
    bscale: float
    bzero: float
    blank: int | None
    compressed: bool
    naxis: int
    tile_rows: int
    data_start: int
    data_stop: int
    end: int
    remarks: tuple[str, ...]

    @property
    def sample(self) -> str:
        """The type of the true values: "uint16" for 16-bit integers with BZERO 32768, "float32" if they are scaled."""
        if self.bitpix < 0:
            return f"float{-self.bitpix}"
        name = "uint8" if self.bitpix == 8 else f"int{self.bitpix}"
        if self.bscale == 1 and self.bzero == 0:
            return name
        if self.bscale == 1 and self.bzero == _UNSIGNED_ZERO[self.bitpix]:
            return "int8" if self.bitpix == 8 else f"u{name}"
        return "float32" if self.bitpix <= 16 else "float64"


def hdu_of(cards: HeaderCards, *, index: int, data_start: int) -> Hdu:
    """Conclude from the cards of a header what its HDU holds.

    Raises
    ------
    ValueError
        If a card that FITS demands is missing or has an impossible value; the text names it.
    """
    first = cards.first()
    axes = _axes(first, "NAXIS")
    bitpix = _whole(first, "BITPIX")
    if bitpix not in _BITPIX:
        raise ValueError(f"BITPIX is {bitpix}")
    groups = first.get("GROUPS") is True and bool(axes) and axes[0] == 0
    size = _data_size(first, axes, bitpix, groups=groups)
    compressed = first.get("ZIMAGE") is True and first.get("XTENSION") == "BINTABLE"
    plain = "XTENSION" not in first or first["XTENSION"] == "IMAGE"
    if compressed:
        axes, bitpix = _axes(first, "ZNAXIS"), _whole(first, "ZBITPIX")
        if bitpix not in _BITPIX:
            raise ValueError(f"ZBITPIX is {bitpix}")
    is_image = (plain or compressed) and not groups and len(axes) >= 2 and min(axes) > 0
    remarks: list[str] = []
    bscale, bzero = _scaling(first, remarks)
    blank = first.get("BLANK", first.get("ZBLANK"))
    tile_rows = first.get("ZTILE2", 1) if compressed else 1
    if first.get("SIMPLE") is False:
        remarks.append("The file says of itself that it does not keep to the FITS standard (SIMPLE = F).")
    return Hdu(
        index=index,
        cards=cards,
        is_image=is_image,
        what="" if is_image else _what(first, axes, groups=groups),
        shape=(axes[1], axes[0]) if is_image else (0, 0),
        planes=math.prod(axes[2:]) if is_image else 0,
        bitpix=bitpix,
        bscale=bscale,
        bzero=bzero,
        blank=blank if type(blank) is int and bitpix > 0 else None,
        compressed=compressed,
        naxis=len(axes),
        tile_rows=tile_rows if type(tile_rows) is int else 1,
        data_start=data_start,
        data_stop=data_start + size,
        end=data_start + math.ceil(size / BLOCK) * BLOCK,
        remarks=tuple(remarks),
    )


def image_cards(found: Hdu, primary: Hdu) -> tuple[tuple[str, CardValue], ...]:
    """The cards of an image: those of its own HDU, then those of the primary HDU that it does not repeat."""
    cards = found.cards.cards
    if found.compressed:
        rows, columns = found.shape
        layout = (("BITPIX", found.bitpix), ("NAXIS", 2), ("NAXIS1", columns), ("NAXIS2", rows))
        cards = (*layout, *(card for card in cards if not _COMPRESSION.fullmatch(card[0])))
    if found is primary:
        return cards
    own = {keyword for keyword, _ in cards}
    inherited = (card for card in primary.cards.cards if card[0] not in own and not _STORAGE.fullmatch(card[0]))
    return (*cards, *inherited)


def _whole(first: dict[str, CardValue], keyword: str) -> int:
    """A card that must be a whole number."""
    value = first.get(keyword)
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int:
        raise ValueError(f"{keyword} is {'missing' if keyword not in first else value}")
    return value


def _axes(first: dict[str, CardValue], keyword: str) -> list[int]:
    """The lengths of all axes, NAXIS1 first."""
    count = _whole(first, keyword)
    if not 0 <= count <= 999:
        raise ValueError(f"{keyword} is {count}")
    axes = [_whole(first, f"{keyword}{axis}") for axis in range(1, count + 1)]
    if axes and min(axes) < 0:
        raise ValueError(f"an axis has the length {min(axes)}")
    return axes


def _data_size(first: dict[str, CardValue], axes: list[int], bitpix: int, *, groups: bool) -> int:
    """The bytes of an HDU's data, unpadded (FITS Standard 4.0, equations 1, 2 and 4)."""
    if not axes:
        return 0
    is_primary_array = "XTENSION" not in first and not groups
    pcount = 0 if is_primary_array or "PCOUNT" not in first else _whole(first, "PCOUNT")
    gcount = 1 if is_primary_array or "GCOUNT" not in first else _whole(first, "GCOUNT")
    if pcount < 0 or gcount < 0:
        raise ValueError(f"PCOUNT is {pcount} and GCOUNT {gcount}")
    return abs(bitpix) // 8 * gcount * (pcount + math.prod(axes[1:] if groups else axes))


def _scaling(first: dict[str, CardValue], remarks: list[str]) -> tuple[float, float]:
    """BSCALE and BZERO; an impossible value counts as missing."""
    numbers = []
    for keyword, default in (("BSCALE", 1.0), ("BZERO", 0.0)):
        value = first.get(keyword, default)
        number = float(value) if type(value) in (int, float) else math.nan  # type: ignore[arg-type]
        if not math.isfinite(number) or (keyword == "BSCALE" and number == 0):
            remarks.append(f"{keyword} is {value}; {default:g} was used.")
            number = default
        numbers.append(number)
    return numbers[0], numbers[1]


def _what(first: dict[str, CardValue], axes: list[int], *, groups: bool) -> str:
    """What an HDU without an image holds, "" for nothing."""
    if groups:
        return "random groups"
    if first.get("XTENSION") in ("BINTABLE", "TABLE", "A3DTABLE"):
        return "a 1-D image" if first.get("ZIMAGE") is True else "a table"
    if len(axes) == 1 and axes[0] > 0:
        return "a 1-D image"
    return ""
