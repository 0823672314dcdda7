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
from evenfield.examine.residues import Measured, columns_of, hot_share, pattern_share
from evenfield.examine.shades import shade_spread, stray_shades
from evenfield.examine.wavelets import robust_scatter
from evenfield.model.pixels import Float32Array, Float64Array

GAIN_FLOOR: Final = 0.01
"""Relative error that noise measures have beyond statistics: quantization, pixels that flicker."""

CONTRAST_FLOOR: Final = 0.05
"""Error that the contrast of shadows has beyond statistics: masks of stars change what is around deep shadows."""

ETA_FLOOR: Final = 0.003
"""Error that the exponent of the whole shade has beyond statistics: real skies are not quite polynomials."""

COLUMN_RESPONSE: Final = 3e-5
"""The response of columns may follow the pattern of the bias by this share of the light."""

LEAST_OF_BRIGHTEST: Final = 0.3
"""Pixels of flats with less of the light of the brightest ones are the border of the field."""

BEND_FLOOR: Final = 0.01
"""Error of the bend beyond statistics: charge that spreads to neighbors squeezes the noise of good CCDs as well."""

LEAK_TOLERANCE: Final = 2e-4
"""Shades by which darks differ, below this share of the sky, rms, are no leak."""

INNER: Final = 1.5
INNER_SCATTER: Final = 0.7427
"""Of normal values those within so many scatters have this scatter: ``sqrt(1 - 2 x pdf(x) / (2 cdf(x) - 1))``."""

TOP_SHARE_FLOOR: Final = 1e-4
"""The share of pixels at the top of the range that hot pixels alone may fill."""

SOME_PIXELS: Final = 400_000
"""Pixels that give the noise of a pair to 0.3 %."""

LEVELS_OF_BEND: Final = 8
"""Groups of pixels of like level in which the noise of flats is compared."""


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
        The share of the bias's column pattern in flat and lights: 1 not subtracted, -1 subtracted twice. The lights are
        less the flat at their level, so that the response of columns is gone, and a share of the flat's rest comes in.
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
    even = None if light is None else _without_response(light, frames.flat)
    read_adu = _pair_noise(frames.raw_biases)
    sky = None if light is None else float(np.nanmedian(light))
    motes = _motes(geometry, sampled)
    return Evidence(
        contrasts=() if sky is None else _contrasts(frames, sky, geometry, eta, levels_adu),
        bias_level_adu=None if bias is None else float(np.nanmedian(bias)),
        dark_level_adu=None if dark is None else float(np.nanmedian(dark)),
        flat_pattern=None if bias is None or frames.relative else _flat_pattern(frames.flat, bias),
        light_pattern=None if bias is None or even is None else pattern_share(even, of=bias),
        hot_share=None if dark is None or even is None else hot_share(even, dark=dark),
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


def _without_response(light: Float32Array, flat: Float32Array) -> Float32Array:
    """A light less the flat at its level: what both share, such as the response of pixels, is gone."""
    level = float(np.nanmedian(flat))
    if not level > 0:
        return light
    even: Float32Array = light - flat * np.float32(np.nanmedian(light) / level)
    return even


def _flat_pattern(flat: Float32Array, bias: Float32Array) -> Measured | None:
    """The share of the bias in a flat, which has no other to tell response from bias by."""
    share = pattern_share(flat, of=bias)
    if share is None:
        return None
    columns = columns_of(bias)
    response = COLUMN_RESPONSE * float(np.nanmedian(flat)) / robust_scatter(columns[np.isfinite(columns)])
    return Measured(share.value, math.hypot(share.error, response))


def _pair_noise(frames: Sequence[Float32Array]) -> float | None:
    """Noise of one frame from two, ADU."""
    if len(frames) < 2:
        return None
    return _scatter_of(_pixel_by_pixel(frames[0] - frames[1])) / math.sqrt(2.0)


def _pixel_by_pixel(apart: Float32Array) -> Float32Array:
    """What each pixel differs by beside its left neighbor, with the scatter of one: bands and shades are gone."""
    made: Float32Array = (apart[:, 1:] - apart[:, :-1]) * np.float32(math.sqrt(0.5))
    return made


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
    pairs = some[:, 1:] & some[:, :-1]
    noise = _scatter_of(_pixel_by_pixel(first - second)[pairs]) / math.sqrt(2.0) if pairs.any() else 0.0
    if not (noise > 0 and read_adu > 0):
        return None
    signal_noise = 0.0
    if frames.bias is not None and len(frames.raw_lights) >= 2:
        pair = [frame - frames.bias for frame in frames.raw_lights[:2]]
        per_level, _ = _transfer(pair, read_adu, sort_by=frames.flat)
        signal = float(np.nanmedian((first - frames.bias)[some]))
        signal_noise = max(signal, 0.0) * max(float(np.median(per_level)), 0.0)
    error = math.sqrt(1.0 / int(np.count_nonzero(pairs)))
    expected = math.sqrt(read_adu**2 + signal_noise)
    return Measured(math.log(noise / expected), math.hypot(error, 2.0 * GAIN_FLOOR))


def _transfer(
    frames: Sequence[Float32Array], read_adu: float, *, sort_by: Float32Array
) -> tuple[Float64Array, Float64Array]:
    """Variance beyond read noise over level, in groups of pixels of like level, and the groups' levels."""
    first, second = frames[0], frames[1]
    level = np.asarray(0.5 * (first + second), np.float32)[:, 1:].reshape(-1)
    ratio = float(np.nanmedian(second / np.maximum(first, np.float32(1e-3))))
    apart = _pixel_by_pixel((second - ratio * first) * np.float32(1.0 / math.sqrt(1.0 + ratio * ratio))).reshape(-1)
    every = max(1, apart.size // SOME_PIXELS)
    order = np.argsort(sort_by[:, 1:].reshape(-1)[::every])
    apart, some = apart[::every], level[::every]
    groups = np.array_split(order, LEVELS_OF_BEND)
    levels = np.array([float(np.nanmedian(some[group])) for group in groups])
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
        per_level, levels = _transfer(pair, read_adu, sort_by=frames.flat)
        if not (per_level.min() > 0 and levels.min() > 0):
            return None
        slopes.append(float(np.median(per_level)))
    tails = _tails(_pixel_by_pixel(frames.raw_lights[1] - frames.raw_lights[0]))
    return Measured(math.log(slopes[1] / slopes[0]), math.hypot(2.0 * GAIN_FLOOR, 2.0 * tails))


def _tails(values: Float32Array) -> float:
    """Log of a scatter over that which the inner values say, were they normal: 0 for noise alone."""
    scatter = _scatter_of(values)
    inner = values[np.abs(values) <= INNER * scatter]
    return abs(math.log(scatter * INNER_SCATTER / max(float(inner.std(dtype=np.float64)), 1e-9))) if inner.size else 0.0


def _bend(frames: Frames, read_adu: float | None) -> Measured | None:
    """Log of noise squared over level, brightest over faintest pixels of flats: a bent response squeezes the noise.

    More noise in bright pixels is no bend: light that flickers does that, and counts as an error.
    """
    if len(frames.raw_flats) < 2 or frames.bias is None or read_adu is None:
        return None
    pair = [frame - frames.bias for frame in frames.raw_flats[:2]]
    # Pixels are sorted by the master flat, whose noise is not that of the pair.
    per_level, levels = _transfer(pair, read_adu, sort_by=frames.flat)
    lit = levels > LEAST_OF_BRIGHTEST * levels.max()
    if lit.sum() < LEVELS_OF_BEND // 2 or not per_level[lit].min() > 0:
        return None
    logs = np.log(per_level[lit])
    n_each = min(frames.flat.size, SOME_PIXELS) / LEVELS_OF_BEND
    along = np.linspace(-0.5, 0.5, LEVELS_OF_BEND)[lit]
    along -= along.mean()
    square = float((along * along).sum())
    slope = float((along * logs).sum() / square)
    return Measured(slope, math.hypot(math.sqrt(2.0 / n_each / square), BEND_FLOOR, max(slope, 0.0)))


def _saturation(raw_flats: Sequence[Float32Array]) -> Measured | None:
    """The share of pixels at the top value of raw flats, beyond what hot pixels do."""
    if not raw_flats:
        return None
    first = raw_flats[0]
    return Measured(float(np.count_nonzero(first >= np.nanmax(first))) / first.size, TOP_SHARE_FLOOR)


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
