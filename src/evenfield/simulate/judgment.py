"""How far a master flat is from the truth, and how far noise alone would have put it."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from evenfield.errors import UsageError
from evenfield.simulate.truth import Truth

BLOCK = 32
"""Pixels a side of the blocks over which structure is looked for: noise averages out in them, errors do not."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FlatJudgment:
    """A master flat beside the truth; all numbers are shares of the level.

    ``rms`` is the scatter of master over truth, ``expected_rms`` what shot and read noise of the frames that were
    combined predict; ``block`` the scatter of the means of 32 x 32 pixels, ``expected_block`` likewise. ``corner`` is
    the level of the corners beside the center, ``true_corner`` that of the truth.
    """

    rms: float
    expected_rms: float
    block: float
    expected_block: float
    corner: float
    true_corner: float


def judge_flat(pixels: NDArray[np.float32], *, truth: Truth, n_flats: int, n_dark_flats: int) -> FlatJudgment:
    """Compare a master flat with the truth behind its frames.

    Parameters
    ----------
    pixels : float32 array (rows, columns)
        The master, in ADU.
    truth : Truth
    n_flats, n_dark_flats : int
        The frames that were combined, and those of what was subtracted; 0 for none.

    Raises
    ------
    UsageError
        If the shapes differ.
    """
    if pixels.shape != truth.flat_image.shape:
        raise UsageError(f"The master has shape {pixels.shape}, the truth {truth.flat_image.shape}.")
    camera = truth.camera
    master = pixels.astype(np.float64)
    level = float(np.nanmean(master))
    true = truth.flat_image / truth.flat_image.mean()
    ratio = master / level / true
    signal_e = true * level * camera.egain_e_per_adu
    quantization_e2 = (camera.sample_step * camera.egain_e_per_adu) ** 2 / 12
    read_e2 = camera.read_noise_e**2 + quantization_e2
    variance = (signal_e + read_e2) / n_flats + (read_e2 / n_dark_flats if n_dark_flats else 0.0)
    relative = variance / signal_e**2
    return FlatJudgment(
        rms=float(np.nanstd(ratio)),
        expected_rms=float(np.sqrt(relative.mean())),
        block=_block_scatter(ratio),
        expected_block=float(np.sqrt(relative.mean())) / BLOCK,
        corner=_corner(master),
        true_corner=_corner(true),
    )


def _block_scatter(ratio: NDArray[np.float64]) -> float:
    rows, columns = (side // BLOCK * BLOCK for side in ratio.shape)
    blocks = ratio[:rows, :columns].reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK)
    return float(np.nanstd(np.nanmean(blocks, axis=(1, 3))))


def _corner(image: NDArray[np.float64]) -> float:
    h, w = max(1, image.shape[0] // 10), max(1, image.shape[1] // 10)
    corners = np.array([image[:h, :w], image[:h, -w:], image[-h:, :w], image[-h:, -w:]])
    top, left = (image.shape[0] - h) // 2, (image.shape[1] - w) // 2
    return float(np.nanmean(corners) / np.nanmean(image[top : top + h, left : left + w]))
