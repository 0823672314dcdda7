"""The shadows in a flat: what stands out of its noise, cut into pieces, as a clean picture to look for in lights."""

from __future__ import annotations

import dataclasses
import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenfield.examine.relief import LEVELS, Relief
from evenfield.examine.wavelets import planes, robust_scatter, smooth
from evenfield.model.pixels import BoolArray, Float32Array

COARSE: Final = 2
"""Planes from this one on (structures of 4 cells and more) say where shadows are; finer ones only sharpen them."""

PLANE_SCATTERS: Final = 5.0
"""Scatters of a plane from which on it shows a shadow: none of 2 million samples of noise does."""

FINE: Final = 4
"""Planes up to this one are damped where shadows are no stronger than noise: their rims are finer than that."""

DAMPING: Final = 2.0
"""Times the noise by which local squares are lessened (a Wiener filter has 1; noise in rims costs more than rims lost:
of the sharpness that shadows of 20 to 60 pixels have, 75 to 90 % are kept, with 1 it is 50 to 80 %)."""

CORE_SHARE: Final = 0.15
"""A piece ends where its smoothed depth falls below this share of the deepest place near it (and below the noise): the
relief of a shadow has a faint rim of the other sign, a tenth as strong, which would join it to others."""

MARGIN: Final = 4
"""Cells around a piece that belong to it, and cells at the frame's edge that take no part."""

PAD: Final = 3
"""Empty cells around a template, so that its cubic interpolation ends in nothing."""

LEAST_IN_FLAT: Final = 20.0
"""Scatters of the flat's own noise that a whole piece must stand out, else it is noise that passed a plane's limit."""

MOST_SHADOWS: Final = 60
"""Pieces that are followed, those with most to show first."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shadow:
    """One piece of the flat's relief.

    ``row``, ``column`` are its middle (weighted with its squares), ``top``, ``left`` the place of ``template``, all in
    cells of the frame; ``spline`` are the template's cubic coefficients, ``d_row``, ``d_column`` its slopes. ``energy``
    is the sum of its squares, ``depth`` the mean of its deepest part (negative: bright), ``radius`` in cells.
    """

    row: float
    column: float
    top: int
    left: int
    template: Float32Array
    spline: Float32Array
    d_row: Float32Array
    d_column: Float32Array
    energy: float
    depth: float
    radius: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dust:
    """The clean relief of a flat: ``picture`` (cells), its whole pieces, and what is left of the flat (``rest``).

    ``cut`` marks pieces that the frame's edge cuts off: they are in the picture, and no shadows.
    """

    picture: Float32Array
    shadows: tuple[Shadow, ...]
    rest: Float32Array
    cut: BoolArray


def find_dust(flat: Relief, *, least: float = LEAST_IN_FLAT) -> Dust:
    """Cut the relief of a flat into shadows.

    A piece is where a plane of 4 to 64 cells stands five scatters out of its noise, with a margin. What lies in it is
    damped where it is no more than noise. Bright pieces (reflections, holes) count like dark ones; those cut off by the
    frame's edge do not, since a cut moves with the frame. ``least`` is how many scatters a whole piece must stand out.
    """
    values = flat.values
    known = flat.weights > 0
    levels = min(LEVELS, max(3, int(math.log2(max(min(values.shape), 16))) - 2))
    parts = list(planes(values, levels=levels))
    scatters = [robust_scatter(part[known]) if known.any() else 0.0 for part in parts]
    region = _region(parts, scatters, known)
    region = _core(values, region, known)
    picture = np.zeros_like(values)
    for level, (part, scatter) in enumerate(zip(parts, scatters, strict=True)):
        kept = part if level >= FINE else part * _damping(part, scatter, 9 + 2 * level)
        picture += np.where(region, kept, np.float32(0.0))
    least_energy = least**2 / float(np.median(flat.weights[known])) if known.any() else math.inf
    shadows, cut = _pieces(picture, region, least_energy)
    return Dust(picture=picture, shadows=shadows, rest=np.where(known, values - picture, np.float32(0.0)), cut=cut)


def _damping(part: Float32Array, scatter: float, side: int) -> Float32Array:
    """The share (0..1) of a plane that is more than noise, from its squares in boxes of ``side`` cells."""
    from scipy import ndimage

    squares = ndimage.uniform_filter(np.square(part), side)
    np.maximum(squares, np.float32(1e-14), out=squares)
    share: Float32Array = np.maximum(np.float32(1.0) - np.float32(DAMPING * scatter**2) / squares, np.float32(0.0))
    return share


def _region(parts: list[Float32Array], scatters: list[float], known: BoolArray) -> BoolArray:
    region = np.zeros(known.shape, np.bool_)
    for level in range(COARSE, len(parts)):
        seen = np.abs(parts[level]) > PLANE_SCATTERS * max(scatters[level], 1e-7)
        region |= seen & known
    region[:MARGIN] = region[-MARGIN:] = False
    region[:, :MARGIN] = region[:, -MARGIN:] = False
    return region


def _core(values: Float32Array, region: BoolArray, known: BoolArray) -> BoolArray:
    """The part of a region that is not the far rim of its coarse planes, with a margin."""
    from scipy import ndimage

    smoothed = smooth(values, levels=2)
    size = np.abs(smoothed)
    limit = PLANE_SCATTERS * robust_scatter(smoothed[known]) if known.any() else 0.0
    around = ndimage.maximum_filter(np.where(region, size, np.float32(0.0))[::4, ::4], 25)
    around = np.repeat(np.repeat(around, 4, axis=0), 4, axis=1)[: size.shape[0], : size.shape[1]]
    core = region & (size > np.maximum(limit, CORE_SHARE * around))
    # Holes and single cells go; what is left grows by the margin.
    core = ndimage.binary_opening(core, iterations=1)
    grown: BoolArray = ndimage.binary_dilation(core, iterations=MARGIN)
    return grown


def _pieces(picture: Float32Array, region: BoolArray, least: float) -> tuple[tuple[Shadow, ...], BoolArray]:
    """The connected pieces, those with the largest sum of squares first, and where those are that the edge cuts."""
    from scipy import ndimage

    labels, n_found = ndimage.label(region)
    if not n_found:
        return (), np.zeros(region.shape, np.bool_)
    boxes = ndimage.find_objects(labels)
    energies = ndimage.sum_labels(np.square(picture), labels, np.arange(1, n_found + 1))
    order = np.argsort(energies)[::-1][:MOST_SHADOWS]
    whole = [k for k in order if energies[k] > least and not _is_cut(boxes[k], region.shape)]
    found = (_shadow(picture, labels, boxes[k], int(k) + 1) for k in whole)
    cut = [k + 1 for k in range(n_found) if _is_cut(boxes[k], region.shape)]
    return tuple(found), np.isin(labels, cut)


def _is_cut(box: tuple[slice, slice], shape: tuple[int, ...]) -> bool:
    """Whether a piece reaches the frame's edge."""
    return any(part.start <= 1 or part.stop >= size - 1 for part, size in zip(box, shape, strict=True))


def _shadow(picture: Float32Array, labels: NDArray[np.int32], box: tuple[slice, slice], label: int) -> Shadow:
    template = np.where(labels[box] == label, picture[box], np.float32(0.0))
    return _of_template(np.pad(template, PAD), top=box[0].start - PAD, left=box[1].start - PAD)


def blurred(shadow: Shadow, *, levels: int) -> Shadow:
    """A shadow after smoothing by so many levels: it is found from farther away."""
    more = 2 ** (levels + 1)
    template = smooth(np.pad(shadow.template, more), levels=levels)
    return _of_template(template, top=shadow.top - more, left=shadow.left - more)


def _of_template(template: Float32Array, *, top: int, left: int) -> Shadow:
    from scipy import ndimage

    squares = np.square(template, dtype=np.float64)
    energy = max(float(squares.sum()), 1e-30)
    row = float((squares.sum(axis=1) * np.arange(squares.shape[0])).sum()) / energy
    column = float((squares.sum(axis=0) * np.arange(squares.shape[1])).sum()) / energy
    strongest = float(np.abs(template).max())
    deep = np.abs(template) >= 0.5 * strongest
    # Float32 holds the cubic coefficients to 1e-7 of a shadow, and is twice as quick.
    spline = ndimage.spline_filter(template, order=3, mode="constant", output=np.float32)
    slopes = np.gradient(template)
    return Shadow(
        row=top + row, column=left + column, top=top, left=left, template=template, spline=spline, d_row=slopes[0],
        d_column=slopes[1], energy=energy, depth=-float(template[deep].mean()),
        radius=math.sqrt(np.count_nonzero(np.abs(template) > 0.2 * strongest) / math.pi),
    )  # fmt: skip
