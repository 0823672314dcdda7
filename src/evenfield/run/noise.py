"""What a rejection has to know of the frames' noise before they are combined, from a few bands of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from evenfield.combine.limits import inner_scatter_share
from evenfield.combine.steps import STEP_FRAMES, STEP_PIXELS, step_of
from evenfield.errors import ReadError
from evenfield.examine.noise import fit_noise
from evenfield.model.frame import DARK_KINDS
from evenfield.model.pixels import Float64Array, Tile
from evenfield.model.plan import Step
from evenfield.model.rejections import Ccd, Rejection
from evenfield.run.loop import FrameFailedError, Stack

NOISE_PIXELS: Final = 100_000
"""Pixels whose scatter is measured, in rows spread over the frame."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CameraNoise:
    """The rejection with every number known, and the raw level without light, ADU."""

    rejection: Rejection
    bias_adu: float = 0.0


def raw_step(stack: Stack) -> int:
    """The quantum of the raw integers of a stack: 1, or 4, 16 where a driver multiplied them.

    Raises
    ------
    FrameFailedError
    """
    columns = stack.shape[1]
    tile = Tile(start=0, stop=min(stack.shape[0], max(1, STEP_PIXELS // columns)))
    found = 0
    for index, source in enumerate(stack.sources[:STEP_FRAMES]):
        try:
            values = source.read(tile)
        except ReadError as error:
            raise FrameFailedError(index, error) from None
        known = values[np.isfinite(values)]
        if known.size == 0 or known.min() == known.max():
            # Equal numbers say nothing about their step.
            continue
        if not np.array_equal(known, np.rint(known)):
            return 1
        found |= step_of(known.astype(np.int64))
        if found & 1:
            return 1
    return (found & -found) or 1


def camera_noise(stack: Stack, *, step: Step, scales: Sequence[float], egain: float | None) -> CameraNoise:
    """The step's rejection; for `Ccd` with the noise that the frames show, where the user gave none.

    Raises
    ------
    FrameFailedError
    """
    chosen = step.recipe.rejection
    if not isinstance(chosen, Ccd):
        return CameraNoise(rejection=chosen)
    dark = step.kind in DARK_KINDS
    if None not in (chosen.read_noise_adu, chosen.egain_e_per_adu):
        return CameraNoise(rejection=chosen, bias_adu=_bias_level(stack, dark=dark))
    levels, variances, bias = _measure(stack, np.array(scales), dark=dark)
    model = fit_noise(levels, variances=variances, egain_e_per_adu=egain)
    read = model.read_noise_adu if chosen.read_noise_adu is None else chosen.read_noise_adu
    found = model.egain_e_per_adu if chosen.egain_e_per_adu is None else chosen.egain_e_per_adu
    # Numbers that stand in the product's header: six digits say what can be known.
    known = msgspec.structs.replace(
        chosen, read_noise_adu=float(f"{read:.6g}"), egain_e_per_adu=None if found is None else float(f"{found:.6g}")
    )
    return CameraNoise(rejection=known, bias_adu=bias)


def _bias_level(stack: Stack, *, dark: bool) -> float:
    """The raw level without light: of dark frames themselves, else of what is subtracted; in the middle row."""
    row = stack.shape[0] // 2
    tile = Tile(start=row, stop=row + 1)
    found = []
    for index, source in enumerate(stack.sources):
        which = stack.which[index]
        try:
            raw = source.read(tile) if dark else np.zeros(1, np.float32)
        except ReadError as error:
            raise FrameFailedError(index, error) from None
        master = stack.subtractions[which].read(tile) if which >= 0 and not dark else np.zeros(1, np.float32)
        found.append(float(np.nanmedian(raw if dark else master)) + (0.0 if dark else stack.shifts[index]))
    return float(np.median(found))


def _measure(stack: Stack, scales: Float64Array, *, dark: bool) -> tuple[Float64Array, Float64Array, float]:
    """Level above the bias and variance in raw ADU of pixels spread over the frame, and the bias level."""
    rows, columns = stack.shape
    n = len(stack.sources)
    wanted = min(rows, max(1, NOISE_PIXELS // columns))
    levels, variances, biases = [], [], []
    for row in np.unique(np.linspace(0, rows - 1, wanted).astype(int)):
        tile = Tile(start=int(row), stop=int(row) + 1)
        subtract = [one.read(tile).reshape(-1).astype(np.float64) for one in stack.subtractions]
        samples = np.empty((n, columns))
        for index, source in enumerate(stack.sources):
            try:
                raw = source.read(tile).reshape(-1)
            except ReadError as error:
                raise FrameFailedError(index, error) from None
            which = stack.which[index]
            under = stack.shifts[index] + (subtract[which] if which >= 0 else 0.0)
            samples[index] = (raw - under) * scales[index]
            level = np.asarray(raw if dark else under)
            if np.isfinite(level).any():
                biases.append(float(np.nanmedian(level)))
        ordered = np.sort(samples, axis=0)
        centers = np.median(ordered, axis=0)
        spread = ((ordered[1:-1] - centers) ** 2).sum(axis=0) / ((n - 1) * inner_scatter_share(n))
        # As one raw frame has them: the scales' mean is near 1 and cancels to first order.
        levels.append(np.zeros(columns) if dark else centers / scales.mean())
        variances.append(spread / np.mean(scales**2))
    return np.concatenate(levels), np.concatenate(variances), float(np.median(biases)) if biases else 0.0
