"""What the pixels of flats, lights, darks and bias frames say about the cause of a flat that does not work.

Each measure is a number with its error that is 0 where all is well. Frames are taken in pairs and profiles, a few at a
time; headers are not looked at.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evenfield.examine.geometry import Geometry, Lies
from evenfield.examine.motes import Mote
from evenfield.examine.wavelets import robust_scatter
from evenfield.model.pixels import Float32Array, Float64Array

HOT_SCATTERS: Final = 8.0
"""Scatters of the dark by which a pixel stands out of its neighbors to count as hot (as in `defects`)."""

LEAST_HOT: Final = 20
"""Fewer hot pixels say nothing: a few stars may lie on them."""

LEAST_PATTERN: Final = 10.0
"""The columns of a bias must differ by so many times their own noise, else its pattern is not known."""

BESIDE: Final = 3
"""A column is compared with so many on each side."""

BLOCK: Final = 32
"""Pixels a side of the blocks whose medians show shades: a star fills a small part of one."""

GAIN_FLOOR: Final = 0.01
"""Relative error that noise measures have beyond statistics: quantization, pixels that flicker."""

CONTRAST_FLOOR: Final = 0.05
"""Error that the contrast of shadows has beyond statistics: masks of stars change what is around deep shadows."""

ETA_FLOOR: Final = 0.003
"""Error that the exponent of the whole shade has beyond statistics: real skies are not quite polynomials."""

HOT_FLOOR: Final = 0.01
"""Error of the share of hot pixels beyond statistics: a sensor that wanders by 0.1 C changes them by so much."""

BEND_FLOOR: Final = 0.01
"""Error of the bend beyond statistics: charge that spreads to neighbors squeezes the noise of good CCDs as well."""

STRAY_TOLERANCE: Final = 3e-4
"""Shades of lights below this share of the sky, rms, are no stray light: nobody will see them."""

LEAK_TOLERANCE: Final = 2e-4
"""Shades by which darks differ, below this share of the sky, rms, are no leak."""

QUANTIZED: Final = 5.0
"""Below so many ADU of noise, whole numbers leave medians no choice."""

TOP_SHARE_FLOOR: Final = 1e-4
"""The share of pixels at the top of the range that hot pixels alone may fill."""

SOME_PIXELS: Final = 400_000
"""Pixels that give the noise of a pair to 0.3 %."""

LEVELS_OF_BEND: Final = 8
"""Groups of pixels of like level in which the noise of flats is compared."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=False)
class Measured:
    """A number and its standard error; for shades, ``size`` is their rms in ADU."""

    value: float
    error: float
    size: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """The strength of what a flat shows in lights over that in the flat: 1 is well. Levels are those it was told at.

    ``flat_adu`` is ``None`` where the flat is relative, and nobody knows its level.
    """

    light_adu: float
    flat_adu: float | None
    value: Measured


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frames:
    """What is at hand; empty where nothing is. All of one shape and one color, ADU.

    ``flat`` is the master as it is used, ``lights`` calibrated as they are used but not flat-fielded; the others are
    raw. ``bias`` (or a dark flat) and ``dark`` are masters, the dark with its bias. ``relative``: the flat is not in
    ADU.
    """

    flat: Float32Array
    lights: Sequence[Float32Array]
    raw_flats: Sequence[Float32Array] = ()
    raw_lights: Sequence[Float32Array] = ()
    raw_biases: Sequence[Float32Array] = ()
    raw_darks: Sequence[Float32Array] = ()
    bias: Float32Array | None = None
    dark: Float32Array | None = None
    relative: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Measures that are 0 where all is well, and the levels that causes predict numbers from.

    Parameters
    ----------
    contrasts : tuple of Contrast
        What is left of dust and vignetting: by the whole shade, or where that tells nothing by shadows alone.
    bias_level_adu, dark_level_adu : float, optional
    flat_pattern, light_pattern : Measured, optional
        The share of the bias's column pattern in flat and lights: 1 not subtracted, -1 subtracted twice.
    hot_share : Measured, optional
        The share of the dark's hot pixels in the lights: 1 not subtracted, -1 twice, between for another exposure.
    gain_of_flats : Measured, optional
        Log of e-/ADU of flats over that of lights.
    noise_of_darks : Measured, optional
        Log of the read noise of darks over that of bias frames.
    dark_spread : Measured, optional
        How much more the shades of darks differ than their noise explains, scatters.
    saturation : Measured, optional
        The share of pixels of raw flats at their top value.
    bend : Measured, optional
        Log of (noise squared over level) of the brightest over the faintest pixels of flats.
    stray : Measured, optional
        How much more the shades of flat-fielded lights differ from smooth ones than their noise explains, scatters.
    turned, shifted, flipped, moved_dust : Measured, optional
        The significance of what `geometry` found.
    """

    contrasts: tuple[Contrast, ...] = ()
    bias_level_adu: float | None = None
    dark_level_adu: float | None = None
    flat_pattern: Measured | None = None
    light_pattern: Measured | None = None
    hot_share: Measured | None = None
    gain_of_flats: Measured | None = None
    noise_of_darks: Measured | None = None
    dark_spread: Measured | None = None
    saturation: Measured | None = None
    bend: Measured | None = None
    stray: Measured | None = None
    turned: Measured | None = None
    shifted: Measured | None = None
    flipped: Measured | None = None
    moved_dust: Measured | None = None


def gather_evidence(
    frames: Frames,
    *,
    geometry: Geometry | None = None,
    eta: Measured | None = None,
    levels_adu: tuple[float, float] | None = None,
    sampled: int = 1,
) -> Evidence:
    """Measure all that the frames at hand allow.

    Parameters
    ----------
    frames : Frames
    geometry : Geometry, optional
        How the flat lies on the lights (`geometry.examine_geometry`), from whole frames.
    eta : Measured, optional
        The exponent by which calibrated lights still follow the flat (`correction.examine_correction`), in the color of
        the frames.
    levels_adu : (float, float), optional
        The levels of lights and flat that ``geometry`` compared; default those of the frames.
    sampled : int
        Of a color mosaic or a large frame, the frames hold every so many-th pixel of every so many-th row.

    Returns
    -------
    Evidence
    """
    light = _mean(frames.lights)
    bias, dark = frames.bias, frames.dark
    read_adu = _pair_noise(frames.raw_biases)
    sky = None if light is None else float(np.nanmedian(light))
    motes = _motes(geometry, sampled)
    return Evidence(
        contrasts=() if sky is None else _contrasts(frames, sky, geometry, eta, levels_adu),
        bias_level_adu=None if bias is None else float(np.nanmedian(bias)),
        dark_level_adu=None if dark is None else float(np.nanmedian(dark)),
        flat_pattern=None if bias is None or frames.relative else pattern_share(frames.flat, of=bias),
        light_pattern=None if bias is None or light is None else pattern_share(light, of=bias),
        hot_share=None if dark is None or light is None else hot_share(light, dark=dark),
        gain_of_flats=_gain_of_flats(frames, read_adu),
        noise_of_darks=_noise_of_darks(frames, read_adu),
        dark_spread=shade_spread(frames.raw_darks, tolerance_adu=LEAK_TOLERANCE * max(sky or 0.0, 0.0)),
        saturation=_saturation(frames.raw_flats),
        bend=_bend(frames, read_adu),
        stray=None if _is_elsewhere(geometry) else stray_shades(frames.lights, flat=frames.flat, motes=motes),
        **_placed(geometry),
    )


def _contrasts(
    frames: Frames,
    sky_adu: float,
    geometry: Geometry | None,
    eta: Measured | None,
    levels_adu: tuple[float, float] | None,
) -> tuple[Contrast, ...]:
    flat_adu = None if frames.relative else float(np.nanmedian(frames.flat))
    if eta is not None:
        # A light that follows the flat with the exponent eta after division followed it with 1 + eta before.
        value = Measured(1.0 + eta.value, math.hypot(eta.error, ETA_FLOOR))
        return (Contrast(light_adu=sky_adu, flat_adu=flat_adu, value=value),)
    if geometry is None or geometry.contrast is None or not geometry.contrast_error:
        return ()
    light, flat = (sky_adu, flat_adu) if levels_adu is None else levels_adu
    value = Measured(geometry.contrast, math.hypot(geometry.contrast_error, CONTRAST_FLOOR))
    return (Contrast(light_adu=light, flat_adu=None if frames.relative else flat, value=value),)


def _placed(geometry: Geometry | None) -> dict[str, Measured]:
    """What geometry found, as measures; nothing where it cannot tell."""
    if geometry is None or geometry.lies is Lies.UNKNOWN:
        return {}
    size = Measured(geometry.scatters, 1.0)
    none = Measured(0.0, 1.0)
    lies = geometry.lies
    return {
        "turned": size if lies in (Lies.TURNED, Lies.TURNED_AND_SHIFTED) else none,
        "shifted": size if lies in (Lies.SHIFTED, Lies.TURNED_AND_SHIFTED) else none,
        "flipped": size if lies is Lies.FLIPPED else none,
        "moved_dust": Measured(max((mote.scatters for mote in geometry.motes), default=0.0), 1.0),
    }


def _mean(frames: Sequence[Float32Array]) -> Float32Array | None:
    if not frames:
        return None
    total = frames[0].astype(np.float32)
    for frame in frames[1:]:
        total += frame
    total /= np.float32(len(frames))
    return total


def pattern_share(image: Float32Array, *, of: Float32Array, step: int = 1) -> Measured | None:
    """The share of a bias's column pattern that an image holds; ``None`` where the bias shows none.

    Pixels are taken beside the three to the left and right (``step`` apart, of the same color), and columns by their
    medians: stars, dust and hot pixels do not move them, and a master's own noise is small in them.
    """
    ours, theirs = _columns(image, step), _columns(of, step)
    known = np.isfinite(ours) & np.isfinite(theirs)
    own_noise = robust_scatter(_beside(of, step)) / math.sqrt(of.shape[0]) * 1.25
    scatter = robust_scatter(theirs[known]) if known.any() else 0.0
    if not scatter * math.sqrt(known.sum()) > LEAST_PATTERN * max(own_noise, 1e-6) or scatter < 2.0 * own_noise:
        return None
    ours, theirs = ours[known], theirs[known]
    ours = np.clip(ours, *(np.median(ours) + np.array([-5.0, 5.0]) * max(robust_scatter(ours), 1e-9)))
    square = float((theirs * theirs).sum())
    share = float((ours * theirs).sum()) / square
    left = ours - share * theirs
    # Neighbors share columns, and shades have their own order: what is left is alike in them, as the pattern is.
    lags = range(1, 2 * BESIDE * step + 1)
    alike = sum(float((left[lag:] * left[:-lag]).mean() * (theirs[lag:] * theirs[:-lag]).sum()) for lag in lags)
    plain = float((left * left).mean()) * square
    return Measured(share, math.sqrt(max(plain + 2.0 * alike, 0.5 * plain)) / square)


def _columns(image: Float32Array, step: int) -> Float64Array:
    """For each column the median of its pixels beside their neighbors in the row; rims of shadows are a few rows."""
    profile = np.full(image.shape[1], np.nan)
    margin = BESIDE * step
    inside = image.shape[1] - 2 * margin
    if inside < 1:
        return profile
    apart = image[:, margin : margin + inside].copy()
    for k in range(1, BESIDE + 1):
        for place in (margin - k * step, margin + k * step):
            apart -= image[:, place : place + inside] * np.float32(0.5 / BESIDE)
    # Few are unknown, stars most of all: in the middle each leaves the median as it is.
    np.nan_to_num(apart, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    profile[margin:-margin] = np.median(apart, axis=0)
    return profile


def _beside(image: Float32Array, step: int) -> Float32Array:
    return image[:, step:-step] - np.float32(0.5) * (image[:, : -2 * step] + image[:, 2 * step :])


def hot_share(light: Float32Array, *, dark: Float32Array, step: int = 1) -> Measured | None:
    """The share of a dark's hot pixels that a light holds, each beside its neighbors; ``None`` with too few.

    Parameters
    ----------
    light : float32 array (rows, columns)
        Calibrated as it is used, not flat-fielded; a mean of several dithered ones is best.
    dark : float32 array (rows, columns)
        A master dark of the light's exposure, or another: then the share is of its hot pixels.
    step : int
        Pixels to the next of the same color.
    """
    excess = _beside(dark, step)
    scatter = robust_scatter(excess)
    hot = excess > HOT_SCATTERS * max(scatter, 1e-3)
    # Saturated ones do not follow the exposure.
    hot &= excess < 0.5 * float(np.nanmax(dark))
    x, y = excess[hot].astype(np.float64), _beside(light, step)[hot].astype(np.float64)
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if x.size < LEAST_HOT:
        return None
    weights = 1.0 / (1.0 + x / (HOT_SCATTERS * max(scatter, 1e-3)))
    share, error = 0.0, 0.0
    keep = np.ones(x.size, np.bool_)
    for _ in range(6):
        w = weights * keep
        square = float((w * x * x).sum())
        if not square > 0:
            return None
        share = float((w * x * y).sum()) / square
        left = (y - share * x) * np.sqrt(weights)
        limit = 4.0 * robust_scatter(left[keep])
        keep = np.abs(left) <= max(limit, 1e-9)
        error = math.sqrt(float((w * w * x * x * (y - share * x) ** 2).sum())) / square
    return Measured(share, math.hypot(error, HOT_FLOOR))


def _pair_noise(frames: Sequence[Float32Array]) -> float | None:
    """Noise of one frame from two, ADU."""
    if len(frames) < 2:
        return None
    return _scatter_of(frames[0] - frames[1]) / math.sqrt(2.0)


def _scatter_of(values: NDArray[np.floating[Any]]) -> float:
    """Scatter with what lies beyond 4 scatters left out: finer than the median deviation for whole numbers."""
    some = values.reshape(-1).astype(np.float64)
    some = some[np.isfinite(some)]
    for _ in range(3):
        some = some[np.abs(some - some.mean()) <= 4.0 * some.std() + 1e-12]
    return float(some.std())


def _noise_of_darks(frames: Frames, read_adu: float | None) -> Measured | None:
    """Log of the noise of darks over that of bias frames with the dark signal's own noise added.

    Of the fainter half of the pixels, where glow and warm pixels add least.
    """
    if len(frames.raw_darks) < 2 or read_adu is None:
        return None
    first, second = frames.raw_darks[:2]
    some = np.ones(first.shape, np.bool_) if frames.dark is None else frames.dark <= np.nanmedian(frames.dark)
    noise = _scatter_of((first - second)[some]) / math.sqrt(2.0)
    if not (noise > 0 and read_adu > 0):
        return None
    signal_noise = 0.0
    if frames.bias is not None and len(frames.raw_lights) >= 2:
        pair = [frame - frames.bias for frame in frames.raw_lights[:2]]
        per_level, _ = _transfer(pair, read_adu)
        signal = float(np.nanmedian((first - frames.bias)[some]))
        signal_noise = max(signal, 0.0) * max(float(np.median(per_level)), 0.0)
    error = math.sqrt(1.0 / max(int(np.count_nonzero(some)), 1))
    expected = math.sqrt(read_adu**2 + signal_noise)
    return Measured(math.log(noise / expected), math.hypot(error, 2.0 * GAIN_FLOOR))


def _transfer(
    frames: Sequence[Float32Array], read_adu: float, *, sort_by: Float32Array | None = None
) -> tuple[Float64Array, Float64Array]:
    """Variance beyond read noise over level, in groups of pixels of like level, and the groups' levels."""
    first, second = frames[0], frames[1]
    level = np.asarray(0.5 * (first + second), np.float32)
    ratio = float(np.nanmedian(second / np.maximum(first, np.float32(1e-3))))
    apart = ((second - ratio * first) / math.sqrt(1.0 + ratio * ratio)).reshape(-1)
    every = max(1, apart.size // SOME_PIXELS)
    order = np.argsort((level if sort_by is None else sort_by).reshape(-1)[::every])
    apart, some = apart[::every], level.reshape(-1)[::every]
    groups = np.array_split(order, LEVELS_OF_BEND)
    levels = np.array([float(np.nanmean(some[group])) for group in groups])
    variances = np.array([_scatter_of(apart[group]) ** 2 for group in groups])
    return (variances - read_adu**2) / np.maximum(levels, 1e-3), levels


def _gain_of_flats(frames: Frames, read_adu: float | None) -> Measured | None:
    """Log of e-/ADU of flats over that of lights, from pairs above the bias.

    Faint stars and nebulae that moved between the lights pass for noise, and give it tails: the difference of two
    measures of scatter counts as an error.
    """
    if len(frames.raw_flats) < 2 or len(frames.raw_lights) < 2 or frames.bias is None or read_adu is None:
        return None
    slopes = []
    for raw in (frames.raw_flats, frames.raw_lights):
        pair = [frame - frames.bias for frame in raw[:2]]
        per_level, levels = _transfer(pair, read_adu)
        if not (per_level.min() > 0 and levels.min() > 0):
            return None
        slopes.append(float(np.median(per_level)))
    apart = frames.raw_lights[1] - frames.raw_lights[0]
    inner = robust_scatter(apart[np.isfinite(apart)])
    tails = 2.0 * math.log(_scatter_of(apart) / inner) if inner > QUANTIZED else 0.0
    return Measured(math.log(slopes[1] / slopes[0]), math.hypot(2.0 * GAIN_FLOOR, tails))


def _bend(frames: Frames, read_adu: float | None) -> Measured | None:
    """Log of noise squared over level, brightest over faintest pixels of flats: a bent response squeezes the noise."""
    if len(frames.raw_flats) < 2 or frames.bias is None or read_adu is None:
        return None
    pair = [frame - frames.bias for frame in frames.raw_flats[:2]]
    # Pixels are sorted by the master flat, whose noise is not that of the pair.
    per_level, _ = _transfer(pair, read_adu, sort_by=frames.flat)
    if not per_level.min() > 0:
        return None
    logs = np.log(per_level)
    n_each = min(frames.flat.size, SOME_PIXELS) / LEVELS_OF_BEND
    along = np.linspace(-0.5, 0.5, LEVELS_OF_BEND)
    slope = float((along * logs).sum() / (along * along).sum())
    return Measured(slope, math.hypot(math.sqrt(2.0 / n_each / float((along * along).sum())), BEND_FLOOR))


def _saturation(raw_flats: Sequence[Float32Array]) -> Measured | None:
    """The share of pixels at the top value of raw flats, beyond what hot pixels do."""
    if not raw_flats:
        return None
    first = raw_flats[0]
    return Measured(float(np.count_nonzero(first >= np.nanmax(first))) / first.size, TOP_SHARE_FLOOR)


def _block_means(image: Float32Array) -> Float64Array:
    """Means of blocks, each without what lies beyond 4 scatters: stars, hot pixels. Finer than medians of integers."""
    rows, columns = (side // BLOCK for side in image.shape)
    blocks = image[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK).transpose(0, 2, 1, 3)
    flat = blocks.reshape(rows * columns, BLOCK * BLOCK)
    known = np.isfinite(flat)
    filled = np.where(known, flat, np.float32(np.nanmedian(flat) if known.any() else 0.0))
    middle = np.median(filled, axis=1, keepdims=True)
    away = np.abs(filled - middle)
    known &= away <= 4.0 * 1.4826 * np.median(away, axis=1, keepdims=True) + 1.0
    means = np.full(rows * columns, np.nan)
    for _ in range(2):
        count = known.sum(axis=1)
        some = count > BLOCK * BLOCK // 4
        apart = np.where(known, filled - middle, np.float32(0.0)).astype(np.float64)
        beyond = apart.sum(axis=1) / np.maximum(count, 1)
        scatter = np.sqrt(np.maximum((apart * apart).sum(axis=1) / np.maximum(count, 1) - beyond**2, 0.0))
        means[:] = np.where(some, middle[:, 0] + beyond, np.nan)
        known &= np.abs(filled - middle - beyond[:, None]) <= 4.0 * scatter[:, None] + 1.0
    return means.reshape(rows, columns)


def _neighbors_agree(left: Float64Array, tolerance_adu: float) -> Measured | None:
    """How much more alike neighboring blocks are than by chance, scatters: the sum of their products.

    Noise and faint stars, however strong, are not alike in neighbors; shades are. Shades of ``tolerance_adu`` rms are
    one error.
    """
    known = np.isfinite(left)
    scatter = robust_scatter(left[known]) if known.any() else 0.0
    if not scatter > 0 or known.sum() < 30:
        return None
    middle = float(np.median(left[known]))
    size = np.where(known, np.clip((left - middle) / scatter, -4.0, 4.0), 0.0)
    size[known] -= size[known].mean()
    products = float((size[:, 1:] * size[:, :-1]).sum() + (size[1:] * size[:-1]).sum())
    pairs = int((known[:, 1:] & known[:, :-1]).sum() + (known[1:] & known[:-1]).sum())
    per_square = math.sqrt(pairs) / float(np.square(size[known]).mean())
    alike = products / pairs
    return Measured(
        alike * per_square,
        math.hypot(1.2, (tolerance_adu / scatter) ** 2 * per_square),
        size=scatter * math.sqrt(max(alike, 0.0)),
    )


def shade_spread(frames: Sequence[Float32Array], *, tolerance_adu: float = 0.0) -> Measured | None:
    """How surely frames that should be equal differ in shade, scatters: the frame that differs most.

    Each frame's blocks less the mean of the frames; its own level, which may drift, does not count.

    Parameters
    ----------
    frames : sequence of float32 arrays (rows, columns)
    tolerance_adu : float
        The rms of shades that do not matter.
    """
    if len(frames) < 2:
        return None
    stack = np.array([_block_means(frame) for frame in frames])
    sizes = [_neighbors_agree(left, tolerance_adu) for left in stack - stack.mean(axis=0)]
    found = [size for size in sizes if size is not None]
    if not found:
        return None
    most = max(found, key=lambda one: one.value)
    # The largest of a few normal numbers lies about one scatter high.
    return dataclasses.replace(most, value=most.value - 1.0)


def _is_elsewhere(geometry: Geometry | None) -> bool:
    """Whether the flat lies elsewhere, so that all of its dust is in the shades of the lights."""
    return geometry is not None and geometry.lies not in (Lies.WELL, Lies.UNKNOWN)


def _motes(geometry: Geometry | None, sampled: int) -> tuple[Mote, ...]:
    """The shadows that moved, in pixels of frames of which every so many-th pixel was taken."""
    return tuple(
        dataclasses.replace(
            mote,
            row=mote.row / sampled,
            column=mote.column / sampled,
            radius_px=mote.radius_px / sampled,
            shift_px=None if mote.shift_px is None else (mote.shift_px[0] / sampled, mote.shift_px[1] / sampled),
        )
        for mote in (() if geometry is None else geometry.motes)
    )


def _without(motes: Sequence[Mote], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Blocks that are free of moved dust, where it was and where it is."""
    y, x = (np.arange(side) * BLOCK + BLOCK / 2.0 for side in shape)
    free = np.ones(shape, np.bool_)
    for mote in motes:
        dy, dx = mote.shift_px or (0.0, 0.0)
        for row, column in ((mote.row, mote.column), (mote.row + dy, mote.column + dx)):
            free &= np.hypot(y[:, None] - row, x[None, :] - column) > 1.5 * mote.radius_px + BLOCK
    return free


def stray_shades(lights: Sequence[Float32Array], *, flat: Float32Array, motes: Sequence[Mote] = ()) -> Measured | None:
    """How surely the shades of flat-fielded lights leave a smooth sky, scatters.

    The sky is a plane and squares; terms in the flat's own shape take what an additive rest would leave. Blocks far
    above (stars, galaxies) are left out, and dust that moved.
    """
    if not lights:
        return None
    shape = flat / np.float32(np.nanmedian(flat))
    np.maximum(shape, np.float32(0.05), out=shape)
    values = np.mean([_block_means(light / shape) for light in lights], axis=0)
    of_flat = _block_means(shape)
    y, x = np.meshgrid(*(np.linspace(-1.0, 1.0, side) for side in values.shape), indexing="ij")
    terms = [np.ones_like(x), x, y, x * x, x * y, y * y, of_flat, 1.0 / of_flat]
    design = np.stack(terms, axis=-1).reshape(-1, len(terms))
    flat_values = values.reshape(-1)
    free = _without(motes, values.shape).reshape(-1)
    keep = np.isfinite(flat_values) & np.isfinite(design).all(axis=1) & free
    left = np.full(flat_values.size, np.nan)
    for _ in range(3):
        if keep.sum() < 4 * len(terms):
            return None
        fit, *_rest = np.linalg.lstsq(design[keep], flat_values[keep], rcond=1e-8)
        left = np.where(np.isfinite(flat_values), flat_values - design @ fit, np.nan)
        keep = np.isfinite(left) & free & (left < 8.0 * robust_scatter(left[keep]))
    tolerance = STRAY_TOLERANCE * max(float(np.nanmedian(flat_values)), 0.0)
    return _neighbors_agree(np.where(keep, left, np.nan).reshape(values.shape), tolerance)
