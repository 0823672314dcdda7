"""Whether the overscan of a camera is usable: it must hold the bias of its frame, and nothing else.

Overscan is what the converter reads when no pixel is there. It is usable where its level follows that of the bias; it
is not where it is constant or clipped, where its pixels collect dark current (optical black) or where it holds light.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

import numpy as np

from evenfield.examine.cores import core_of
from evenfield.examine.sets import SURE
from evenfield.model.frame import FrameKind
from evenfield.model.pixels import Float32Array, Float64Array

ROW_GROUPS: Final = 48
"""Groups of rows whose means are compared with those of the image."""

LEAST_FRAMES: Final = 5
"""Frames whose levels tell whether the overscan follows the bias."""

FOLLOWS: Final = 0.7
"""Overscan that takes less of the wander of the bias away does not follow it."""

NOISE_TIMES: Final = 2.0
"""The noise of overscan is read noise within this factor."""

TRAIL_COLUMNS: Final = 2
"""Columns next to the image that hold charge left behind in nearly every CCD."""

HOT_SCATTERS: Final = 8.0
LEAST_HOT: Final = 20
"""Hot pixels that an area of the overscan's size would have in the image, for their absence to say something."""

HOT_PART: Final = 0.3
"""The part of those from which on the overscan's pixels are real ones."""

ILLUMINATED: Final = 0.01
"""Overscan with so much of the image's light is part of the image."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OverscanFrame:
    """What is kept of the overscan of one frame, and of the image beside it.

    ``level`` is the median over the columns of the overscan, ``far`` the mean of its half that is furthest from the
    image, ``image`` the mean of the image, hot pixels brought nearer. ``noise`` and ``image_noise`` are those of a
    pixel, from neighbors. ``rows`` and ``image_rows`` are means of groups of rows, float64 (n,).
    """

    level: float
    far: float
    image: float
    noise: float
    image_noise: float
    constant: bool
    clipped: float
    rows: Float64Array
    image_rows: Float64Array


def overscan_frame(
    overscan: Float32Array, *, image: Float32Array, least_adu: float, most_adu: float | None
) -> OverscanFrame:
    """Reduce a frame.

    Parameters
    ----------
    overscan : float32 array (rows, columns)
        ADU as stored, the first column next to the image.
    image : float32 array (rows, columns)
        The same rows of the image.
    least_adu, most_adu : float
        The least value of the converter, and the one from which pixels are saturated, where it is known.
    """
    half = overscan[:, overscan.shape[1] // 2 :]
    high = np.inf if most_adu is None else most_adu
    with np.errstate(invalid="ignore"):
        clipped = float(np.mean((overscan <= least_adu) | (overscan >= high)))
    return OverscanFrame(
        level=_level(overscan),
        far=_mean(half),
        image=_mean(image),
        noise=_noise(overscan),
        image_noise=_noise(image),
        constant=bool(np.nanmin(overscan) == np.nanmax(overscan)),
        clipped=clipped,
        rows=_rows(half),
        image_rows=_rows(image),
    )


def _mean(pixels: Float32Array) -> float:
    """The mean of pixels, those beyond 8 scatters brought to there."""
    middle, scatter = core_of(pixels)
    reach = HOT_SCATTERS * max(scatter, 1.0)
    return float(np.nanmean(np.clip(pixels, middle - reach, middle + reach), dtype=np.float64))


def _level(overscan: Float32Array) -> float:
    """The median over the columns of their means: single columns that hold charge do not count."""
    return float(np.median([_mean(overscan[:, column]) for column in range(overscan.shape[1])]))


def _noise(pixels: Float32Array) -> float:
    """The noise of a pixel from the differences of next but one in a column, which are of one color in a mosaic."""
    if pixels.shape[0] < 3:
        return 0.0
    return core_of(pixels[2:] - pixels[:-2])[1] / float(np.sqrt(2.0))


def _rows(pixels: Float32Array) -> Float64Array:
    groups = np.array_split(np.arange(pixels.shape[0]), min(ROW_GROUPS, pixels.shape[0]))
    return np.array([_mean(pixels[group[0] : group[-1] + 1]) for group in groups], np.float64)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OverscanSet:
    """The overscan of a set of frames.

    ``apart`` is the level of the image minus that of the overscan, ADU, with its error; ``wander`` the scatter of the
    image's level, ``left`` that of what is left of it when the overscan is subtracted. ``trail`` is by how much the
    overscan's level is lifted by charge beside the image, ADU. rows and image_rows are above those levels.
    """

    kind: FrameKind
    n_frames: int
    n_pixels: int
    level: float
    image: float
    noise: float
    image_noise: float
    apart: float
    wander: float
    left: float
    trail: float
    constant: bool
    clipped: float
    rows: Float64Array
    image_rows: Float64Array
    hot: float
    image_hot: float


def overscan_set(
    frames: Sequence[OverscanFrame],
    *,
    kind: FrameKind,
    overscans: Sequence[Float32Array] = (),
    images: Sequence[Float32Array] = (),
) -> OverscanSet:
    """Put the frames of a set together; at least one.

    ``overscans`` and ``images`` are the pixels of some dark frames, for their hot pixels to be counted.
    """
    image = np.array([one.image for one in frames])
    level = np.array([one.level for one in frames])
    several = len(frames) > 1
    return OverscanSet(
        kind=kind,
        n_frames=len(frames),
        n_pixels=overscans[0].size if overscans else 0,
        level=float(np.median(level)),
        image=float(np.median(image)),
        noise=float(np.median([one.noise for one in frames])),
        image_noise=float(np.median([one.image_noise for one in frames])),
        apart=float(np.median(image - level)),
        wander=float(image.std(ddof=1)) if several else 0.0,
        left=float((image - np.array([one.far for one in frames])).std(ddof=1)) if several else 0.0,
        trail=float(np.median([one.level - one.far for one in frames])),
        constant=all(one.constant for one in frames),
        clipped=float(np.median([one.clipped for one in frames])),
        rows=np.median([one.rows - one.far for one in frames], axis=0),
        image_rows=np.median([one.image_rows - one.image for one in frames], axis=0),
        hot=_hot_share([one[:, TRAIL_COLUMNS:] for one in overscans]),
        image_hot=_hot_share(images),
    )


def _hot_share(frames: Sequence[Float32Array]) -> float:
    """The share of pixels whose median over frames stands out by 8 scatters; 0 where fewer than three frames tell."""
    if len(frames) < 3 or not frames[0].size:
        return 0.0
    middle = np.median(np.stack(frames), axis=0)
    level, scatter = core_of(middle)
    return float(np.mean(middle > level + HOT_SCATTERS * max(scatter, 0.5)))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OverscanFault:
    """Why overscan is not usable: ``what`` is said of it, as "its level is constant, 1000 ADU"."""

    what: str


def overscan_fault(
    found: OverscanSet, *, dark: OverscanSet | None, level_limit: float, light_limit: float, wander_limit: float
) -> OverscanFault | None:
    """What is wrong with an overscan, or nothing.

    Parameters
    ----------
    found : OverscanSet
    dark : OverscanSet, optional
        That of bias or darks of the same camera and setting, for flats.
    level_limit : float
        By how many times a pixel's noise its level may differ from the bias.
    light_limit : float
        The share of the image's light that it may hold.
    wander_limit : float
        The wander of the bias from which on it must follow, in units of a pixel's noise.
    """
    if found.constant:
        return OverscanFault(what=f"it holds no signal of its own: every value is {found.level:.0f} ADU")
    if found.clipped > 0.01:
        return OverscanFault(what=f"{100 * found.clipped:.2g} % of its values are cut off at the end of the converter")
    if found.kind is FrameKind.FLAT:
        return None if dark is None else _light(found, dark, light_limit)
    return _of_dark(found, level_limit, wander_limit) or _dark_current(found)


def _of_dark(found: OverscanSet, level_limit: float, wander_limit: float) -> OverscanFault | None:
    """What bias frames and short darks say."""
    noise = found.image_noise
    if found.kind is FrameKind.BIAS:
        ratio = found.noise / noise if noise > 0 else 1.0
        if not 1.0 / NOISE_TIMES <= ratio <= NOISE_TIMES:
            return OverscanFault(what=f"its noise is {found.noise:.3g} ADU, that of the bias {noise:.3g} ADU")
        if abs(found.apart) > level_limit * noise:
            side = "below" if found.apart > 0 else "above"
            return OverscanFault(what=f"its level lies {abs(found.apart):.3g} ADU {side} that of the bias")
    if found.n_frames < LEAST_FRAMES:
        return None
    sure = SURE * noise / np.sqrt(max(found.n_pixels, 1))
    if found.wander > max(wander_limit * noise, sure) and found.left > FOLLOWS * found.wander:
        return OverscanFault(
            what=f"it does not follow the bias, whose level wanders by {found.wander:.3g} ADU rms; less the overscan, "
            f"{found.left:.3g} ADU of that are left"
        )
    if found.left > max(wander_limit * noise, sure) and found.left > found.wander / FOLLOWS:
        return OverscanFault(
            what=f"its level wanders by itself: that of the bias by {found.wander:.3g} ADU rms, less the overscan by "
            f"{found.left:.3g} ADU"
        )
    return None


def _dark_current(found: OverscanSet) -> OverscanFault | None:
    expected = found.image_hot * found.n_pixels
    if expected < LEAST_HOT or found.hot * found.n_pixels < HOT_PART * expected:
        return None
    return OverscanFault(
        what=f"its pixels collect dark current: {100 * found.hot:.2g} % of them are hot, of the image's "
        f"{100 * found.image_hot:.2g} %; it is optical black"
    )


def _light(found: OverscanSet, dark: OverscanSet, limit: float) -> OverscanFault | None:
    """What flats say, against dark frames."""
    light = found.image - dark.image
    if light <= 0:
        return None
    share = (found.level - dark.level) / light
    if share > ILLUMINATED:
        return OverscanFault(what=f"it is part of the image: it holds {100 * share:.2g} % of its light")
    lifted = (found.trail - dark.trail) / light
    error = found.noise / np.sqrt(max(found.n_pixels, 1) * found.n_frames) / light
    if lifted > limit and lifted > SURE * error:
        return OverscanFault(
            what=f"charge of the image trails into it and lifts its level by {lifted * light:.3g} ADU, "
            f"{100 * lifted:.2g} % of the light"
        )
    slope, slope_error = _slope(found, dark)
    if slope > limit and slope > SURE * slope_error:
        return OverscanFault(
            what=f"it holds light: {100 * slope:.2g} % of that of the rows beside it, {slope * light:.3g} ADU"
        )
    return None


def _slope(found: OverscanSet, dark: OverscanSet) -> tuple[float, float]:
    """How much of the pattern of the image along the rows the overscan holds, with its error."""
    if found.rows.size != dark.rows.size or found.rows.size < 8:
        return 0.0, np.inf
    x, y = found.image_rows - dark.image_rows, found.rows - dark.rows
    x, y = x - x.mean(), y - y.mean()
    squares = float(x @ x)
    if squares <= 0:
        return 0.0, np.inf
    slope = float(x @ y) / squares
    left = float(np.square(y - slope * x).sum()) / (x.size - 2)
    # Drifts along rows are smooth: few of the groups are independent.
    return slope, float(np.sqrt(8.0 * left / squares))
