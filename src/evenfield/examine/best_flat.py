"""Which of several flats fits the lights best: whose dust and edges are those of the lights, not whose date is nearest.

The relief of the lights (`relief`) is compared with that of each flat. Half the difference of the two sums of squares
is the log of the likelihood ratio; how far it strays by chance is told by the flats' difference itself, laid on the
rest of the lights at every other place: nebulae and faint stars, which all flats leave alike, are in that scatter.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from evenfield.errors import UsageError
from evenfield.examine.relief import Relief
from evenfield.examine.wavelets import robust_scatter
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding
from evenfield.model.pixels import Float64Array

BLOCK: Final = 4
"""Cells a side of the blocks that are compared: small beside shadows of dust, large beside noise."""

NEARBY: Final = 12
"""Blocks within which a difference laid elsewhere still touches its own place."""

LEAST_SCATTERS: Final = 6.0
"""By so many scatters another flat must fit better."""

LEAST_DEPTH: Final = 0.002
"""What two flats differ by, at their deepest, must be so much of the light to be told."""

DEEPEST_SHARE: Final = 0.001
"""The share of blocks that may differ more than the depth that is told."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FlatFit:
    """How a flat fits lights beside the one that fits best.

    Parameters
    ----------
    place : int
        Of the flat in what was given.
    scatters : float
        By how many scatters it fits worse than the best; 0 for the best itself. What is below 4 may be chance.
    depth : float
        What it differs by from the best at its deepest, as a share of the light: what one of them leaves there.
    """

    place: int
    scatters: float
    depth: float


def rank_flats(flats: Sequence[Relief], *, light: Relief) -> tuple[FlatFit, ...]:
    """Rank flats by how well they fit the lights, the best first.

    Parameters
    ----------
    flats : sequence of Relief
        Of master flats (`relief.flat_relief`), at least one.
    light : Relief
        Of lights that were not flat-fielded (`relief.light_relief`), with the same cells.

    Returns
    -------
    tuple of FlatFit

    Raises
    ------
    UsageError
        If there is no flat, or shapes or cells differ.
    """
    if not flats:
        raise UsageError("There is no flat to compare.", mend="Give at least one.")
    for flat in flats:
        if flat.shape != light.shape or flat.cell_px != light.cell_px or flat.values.shape != light.values.shape:
            raise UsageError(
                f"Flat ({flat.shape}, cells of {flat.cell_px}) and light ({light.shape}, {light.cell_px}) do not match."
            )
    blocks = [_blocks(flat) for flat in flats]
    values, weights = _blocks(light)
    known = weights > 0
    for _, of_flat in blocks:
        known &= of_flat > 0
    weights = np.where(known, weights, 0.0)
    noise = [float((weights[known] / of_flat[known]).sum()) for _, of_flat in blocks]
    squares = [
        float((weights * np.square(values - one)).sum()) - own for (one, _), own in zip(blocks, noise, strict=True)
    ]
    best = int(np.argmin(squares))
    left = weights * (values - blocks[best][0])
    found = [FlatFit(place=best, scatters=0.0, depth=0.0)]
    for place, (one, _) in enumerate(blocks):
        if place == best:
            continue
        apart = np.where(known, one - blocks[best][0], 0.0)
        lead = 0.5 * (squares[place] - squares[best])
        scatter = _chance(left, apart)
        found.append(
            FlatFit(
                place=place,
                scatters=lead / scatter if scatter > 0 else (0.0 if lead <= 0 else math.inf),
                depth=_depth(apart[known]),
            )
        )
    return tuple(sorted(found, key=lambda fit: fit.scatters))


def better_flat_finding(
    fits: Sequence[FlatFit], *, titles: Sequence[str], chosen: int, name: str, fix: tuple[str, ...] | None = None
) -> Finding | None:
    """A flat that fits better than the one that is used; ``None`` where that one fits as well as any.

    Parameters
    ----------
    fits : sequence of FlatFit
        From `rank_flats`.
    titles : sequence of str
        What the flats are called, in the order in which they were given.
    chosen : int
        The place of the one that is used.
    name : str
        The lights.
    fix : tuple of str, optional
        The arguments that would take the best one.
    """
    used = next(fit for fit in fits if fit.place == chosen)
    if used.scatters < LEAST_SCATTERS or used.depth < LEAST_DEPTH:
        return None
    text = (
        f"{name}: {titles[fits[0].place]} fits these lights better than {titles[chosen]}: dust and edges of the two "
        f"differ by up to {100 * used.depth:.1f} %, and those of the lights are its own (z {used.scatters:.0f})."
    )
    return finding("other_flat_fits_better", name, text, fix=fix)


def _blocks(relief: Relief) -> tuple[Float64Array, Float64Array]:
    """Means of blocks of cells and their weights."""
    rows, columns = (side // BLOCK for side in relief.values.shape)

    def summed(cells: Float64Array) -> Float64Array:
        used = cells[: rows * BLOCK, : columns * BLOCK]
        total: Float64Array = used.reshape(rows, BLOCK, columns, BLOCK).sum(axis=(1, 3))
        return total

    weights = summed(relief.weights.astype(np.float64))
    values = summed((relief.values * relief.weights).astype(np.float64))
    np.divide(values, weights, out=values, where=weights > 0)
    return values, weights


def _chance(left: Float64Array, apart: Float64Array) -> float:
    """The scatter of the sum of products of what is left and a difference, over all places where it does not lie."""
    from scipy import fft

    surface = fft.irfft2(fft.rfft2(left) * np.conj(fft.rfft2(apart)), left.shape)
    near = [np.minimum(np.arange(side), side - np.arange(side)) <= NEARBY for side in left.shape]
    far = ~(near[0][:, None] & near[1][None, :])
    return robust_scatter(surface[far]) if far.any() else 0.0


def _depth(apart: Float64Array) -> float:
    return float(np.quantile(np.abs(apart), 1.0 - DEEPEST_SHARE)) if apart.size else 0.0
