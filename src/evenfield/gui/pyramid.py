"""A frame or master as a picture: opened through `evenfield.read`, with its colors and maps as layers; and a cache."""

from __future__ import annotations

import collections
import os
import threading
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evenfield.describe.description import describe_frame
from evenfield.examine.sketch import bayer_places
from evenfield.gui.picture_layer import Layer
from evenfield.gui.words import mark, tr
from evenfield.model.frame import FrameInfo, FrameKind
from evenfield.model.pixels import PixelFlag, Tile
from evenfield.read import open_source, read_extension
from evenfield.read.extensions import extension_names

WHOLE: Final = "whole"
"""The key of the layer that is the file's own picture."""

COLORS: Final = ("R", "G1", "G2", "B")
"""The keys of the colors of a Bayer mosaic; G1 stands in the rows of red, G2 in those of blue."""

MAPS: Final = ("NOISE", "USED", "LOW", "HIGH", "DEFECTS", "MASK")
"""The keys of the maps, which are the names of the extensions that ``--maps`` writes."""

FLAG_MAPS: Final = ("DEFECTS", "MASK")
"""Maps whose numbers are `PixelFlag` bits."""

CACHE_BYTES: Final = 400_000_000
_BAND_BYTES: Final = 4 << 20


class StoppedError(Exception):
    """Nobody waits for the picture any more."""


class Picture:
    """One image file with its layers.

    Parameters
    ----------
    path : str
        The absolute path.
    info : FrameInfo
        What the header says; ``setup.row_order`` and ``setup.cfa`` count here.
    full : array (rows, columns)
        uint16 or int16 numbers as the file has them (BZERO applied), else float32 true values; in file order.
    maps : tuple of str
        The maps that the file has, of `MAPS`.

    Notes
    -----
    Pixels are named (x, y), counted from 1 in the order of the file, as FITS has them: (1, 1) is the first pixel
    stored, wherever it is shown. ``prepare`` is for one thread; all else may be called from any.
    """

    def __init__(self, path: str, *, info: FrameInfo, full: NDArray[Any], maps: tuple[str, ...] = ()) -> None:
        self.path = path
        self.info = info
        self.shape: tuple[int, int] = (full.shape[0], full.shape[1])
        self._full = full
        self._maps = maps
        self._layers: dict[str, Layer] = {}
        places = bayer_places(info.setup.cfa) if min(self.shape) >= 2 else {}
        self._firsts = {color: (column, row) for color, (row, column) in places.items()}
        self.prepare(WHOLE)

    @property
    def name(self) -> str:
        """The file's name, as it is."""
        return os.path.basename(self.path)

    @property
    def top_down(self) -> bool:
        """Whether the file's first row is shown on top: where ROWORDER or the program say so; FITS is bottom-up."""
        return self.info.setup.row_order == "TOP-DOWN"

    @property
    def keys(self) -> tuple[str, ...]:
        """The layers that there are: `WHOLE`, the colors of a Bayer mosaic, the maps of the file."""
        return (WHOLE, *self._firsts, *self._maps)

    @property
    def nbytes(self) -> int:
        """Bytes of all that is held."""
        held = self._full.nbytes
        for key, layer in tuple(self._layers.items()):
            held += layer.nbytes + (layer.full.nbytes if key in MAPS else 0)
        return held

    def layer(self, key: str = WHOLE) -> Layer | None:
        """A layer that was prepared; ``None`` for any other."""
        return self._layers.get(key)

    def prepare(self, key: str) -> None:
        """Make a layer ready, which for a map reads the file; nothing where it is ready or there is no such layer.

        Raises
        ------
        ReadError
            If the file cannot be read again.
        ValueError, OSError
            If the extension is damaged.
        """
        if key in self._layers:
            return
        # Half as bright as a picture of the sky: a flat has no dark background.
        background = 0.5 if self.info.kind is FrameKind.FLAT else 0.25
        if key == WHOLE:
            self._layers[key] = Layer(self._full, background=background)
        elif key in self._firsts:
            column, row = self._firsts[key]
            view = self._full[row::2, column::2]
            self._layers[key] = Layer(view, step=2, first=(column, row), background=background)
        elif key in self._maps:
            values = read_extension(self.path, key)
            if values is None or values.shape != self.shape:
                raise ValueError(tr("its extension {} is no picture of the same size").format(key))
            self._layers[key] = Layer(values if key == "NOISE" else _as_integers(values))

    def drop_all_but(self, key: str) -> None:
        """Forget what was prepared beside one layer and the whole picture; it can be prepared anew."""
        self._layers = {one: layer for one, layer in self._layers.items() if one in (WHOLE, key)}

    def value(self, x: int, y: int, *, key: str = WHOLE) -> int | float:
        """The number of pixel (x, y), counted from 1 in file order: an int for integers, NaN for a pixel without value.

        Of a color, (x, y) must be one of its own pixels (`Layer.place` names it).

        Raises
        ------
        IndexError
            Outside of the picture, or where the layer is not ready.
        """
        layer = self._layers.get(key)
        if layer is None or not (1 <= x <= self.shape[1] and 1 <= y <= self.shape[0]):
            raise IndexError(f"there is no pixel ({x}, {y}) of {key}")
        return layer.value(x - 1, y - 1)

    def unit(self, key: str = WHOLE) -> str:
        """The unit of a layer's numbers: "adu", "electron", "samples", "flags", or "" where it is not known or none."""
        if key in FLAG_MAPS:
            return "flags"
        if key in MAPS and key != "NOISE":
            return "samples"
        domain = self.info.setup.number_domain
        return domain if domain in ("adu", "electron") else ""

    def full_scale(self, key: str = WHOLE) -> float | None:
        """The ADU at which pixels of the picture or of a color saturate; ``None`` for maps, and where it is unknown."""
        return None if key in MAPS or self.unit(key) != "adu" else self.info.full_scale_adu


_FLAG_WORDS: Final = {
    PixelFlag.NO_DATA: mark("no frame gave a value (NaN or blank in all of them)"),
    PixelFlag.SATURATED: mark("saturated in the raw data"),
    PixelFlag.NOT_POSITIVE: mark("zero or negative in a master flat: dividing by it gives NaN"),
    PixelFlag.WEAK: mark("below 0.2 of the level of its master flat"),
    PixelFlag.ALL_REJECTED: mark("every sample was rejected; the value is that of the fallback"),
    PixelFlag.HOT: mark("far brighter in the dark than its neighbors"),
    PixelFlag.COLD: mark("less than half as bright in the flat as its neighbors"),
    PixelFlag.UNSTABLE: mark("far noisier in the dark than its signal explains"),
}
"""What each flag of a pixel says."""


def flag_words(bits: int) -> tuple[str, ...]:
    """What the bits of a pixel of "DEFECTS" or "MASK" say."""
    return tuple(tr(_FLAG_WORDS[flag]) for flag in PixelFlag if bits & flag)


def _as_integers(values: NDArray[np.float32]) -> NDArray[Any]:
    """Counts and flags as the 16-bit integers that they were, where they all fit."""
    with np.errstate(invalid="ignore"):
        whole = values.astype(np.uint16)
    return whole if np.array_equal(whole, values) else values


def open_picture(
    path: str | os.PathLike[str], *, info: FrameInfo | None = None, stopped: Callable[[], bool] = lambda: False
) -> Picture:
    """Read an image file and prepare its whole picture.

    Parameters
    ----------
    path : path-like
        FITS (plain or packed), XISF, or a camera's raw file.
    info : FrameInfo, optional
        What is known of the frame, with the user's corrections; by default, what its header says.
    stopped : callable
        Asked between bands of some megabytes whether to give up.

    Returns
    -------
    Picture
        Nothing of the file stays open.

    Raises
    ------
    ReadError
        If the file cannot be read.
    StoppedError
        If ``stopped`` says so.
    """
    source = open_source(path)
    try:
        header = source.header
        if header is None:
            raise ValueError("a file has a header")
        shape, encoding = source.shape, source.encoding
        raw = np.empty(shape, encoding.numpy_dtype)
        step = max(1, _BAND_BYTES // (shape[1] * raw.dtype.itemsize))
        signed = encoding.bzero == 0
        full: NDArray[Any] = raw
        if encoding.dtype == "int16" and not signed:
            full = raw.view(np.uint16) if encoding.bzero == 32768 else np.empty(shape, np.float32)
        for start in range(0, shape[0], step):
            if stopped():
                raise StoppedError
            tile = Tile(start=start, stop=min(start + step, shape[0]))
            band = raw[tile.start : tile.stop]
            source.read_raw(tile, band)
            if encoding.swapped:
                band.byteswap(inplace=True)
            if full is raw:
                continue
            target = full[tile.start : tile.stop]
            if full.dtype == np.uint16:
                target ^= np.uint16(0x8000)
            else:
                target[...] = band
                target += np.float32(encoding.bzero)
    finally:
        source.close()
    if info is None:
        info = describe_frame(header)
    names = extension_names(header.path) if any("more image" in remark for remark in header.remarks) else ()
    # Only evenfield's own files: names like these mean other things elsewhere.
    maps = tuple(key for key in MAPS if key in names) if info.product_digest is not None else ()
    return Picture(header.path, info=info, full=full, maps=maps)


_Identity: TypeAlias = tuple[str, int, int, object]
"""Path, time of change, size, and what of the frame's description changes its view."""


def _view_of(info: FrameInfo | None) -> object:
    return (
        None if info is None else (info.setup.row_order, info.setup.cfa, info.setup.number_domain, info.full_scale_adu)
    )


class PictureCache:
    """Pictures that were opened last, by (path, time of change, size); the least recently used ones go first.

    Parameters
    ----------
    limit : int
        Bytes that the pictures may have together. The last one used is kept in any case, without the layers that were
        not asked for last where they would be too much.
    """

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self.limit = limit
        self._pictures: collections.OrderedDict[_Identity, Picture] = collections.OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many pictures are held."""
        return len(self._pictures)

    @property
    def nbytes(self) -> int:
        """Bytes of all pictures held."""
        with self._lock:
            return sum(picture.nbytes for picture in self._pictures.values())

    def open(
        self,
        path: str | os.PathLike[str],
        *,
        key: str = WHOLE,
        info: FrameInfo | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Picture:
        """The picture of a file with a layer prepared, from memory where the file is what it was.

        Raises
        ------
        ReadError, ValueError, OSError, StoppedError
            As `open_picture` and `Picture.prepare`.
        """
        where = os.path.abspath(path)
        try:
            status = os.stat(where)
            identity = (where, status.st_mtime_ns, status.st_size, _view_of(info))
        except (OSError, ValueError):
            # Opening it says why in better words.
            identity = (where, -1, -1, None)
        with self._lock:
            for old in [one for one in self._pictures if one[0] == where and one != identity]:
                del self._pictures[old]
            picture = self._pictures.get(identity)
        if picture is None:
            picture = open_picture(where, info=info, stopped=stopped)
        picture.prepare(key)
        with self._lock:
            self._pictures[identity] = picture
            self._pictures.move_to_end(identity)
            held = sum(one.nbytes for one in self._pictures.values())
            while held > self.limit and len(self._pictures) > 1:
                held -= self._pictures.popitem(last=False)[1].nbytes
            if held > self.limit:
                picture.drop_all_but(key)
        return picture

    def clear(self) -> None:
        """Forget all pictures."""
        with self._lock:
            self._pictures.clear()
