"""What a flat that is wrong does to the sky of the lights that it calibrated: three laws with few numbers each.

``M`` is the master flat, ``s0`` its mean, ``P`` the true sky; a calibrated sky is ``P T + A``:

    exponent     T = (M/s0)^eta                     eta < 0: over-corrected, eta > 0: under-corrected
    flat rest    T = 1 - c/M                        the flat holds c ADU too much
    both rests   T = 1 - c/M,   A = p s0/M          and the light p ADU too much
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final

import numpy as np

from evenfield.model.pixels import Float64Array


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LawTerms:
    """A law at one value of its numbers, for each cell (n,); derivatives by the numbers are (q, n)."""

    factor: Float64Array
    added: Float64Array
    factor_by: Float64Array
    added_by: Float64Array


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """A law by name, the number of its numbers, and how it goes: ``terms(numbers, flat=M, mean=s0)``."""

    name: str
    numbers: int
    terms: Callable[[Float64Array, Float64Array, float], LawTerms]


def _exponent(numbers: Float64Array, flat: Float64Array, mean: float) -> LawTerms:
    logarithm = np.log(flat / mean)
    factor = np.exp(float(numbers[0]) * logarithm)
    nothing = np.zeros_like(flat)
    return LawTerms(factor=factor, added=nothing, factor_by=(logarithm * factor)[None], added_by=nothing[None])


def _flat_rest(numbers: Float64Array, flat: Float64Array, mean: float) -> LawTerms:
    del mean
    nothing = np.zeros_like(flat)
    factor = 1.0 - float(numbers[0]) / flat
    return LawTerms(factor=factor, added=nothing, factor_by=(-1.0 / flat)[None], added_by=nothing[None])


def _both_rests(numbers: Float64Array, flat: Float64Array, mean: float) -> LawTerms:
    nothing = np.zeros_like(flat)
    return LawTerms(
        factor=1.0 - float(numbers[0]) / flat,
        added=float(numbers[1]) * mean / flat,
        factor_by=np.stack([-1.0 / flat, nothing]),
        added_by=np.stack([nothing, mean / flat]),
    )


def _light_rest(numbers: Float64Array, flat: Float64Array, mean: float) -> LawTerms:
    nothing = np.zeros_like(flat)
    return LawTerms(
        factor=np.ones_like(flat),
        added=float(numbers[0]) * mean / flat,
        factor_by=nothing[None],
        added_by=(mean / flat)[None],
    )


EXPONENT: Final = Law(name="exponent", numbers=1, terms=_exponent)
"""The exponent eta."""

FLAT_REST: Final = Law(name="flat rest", numbers=1, terms=_flat_rest)
"""The rest c of the flat, ADU."""

LIGHT_REST: Final = Law(name="light rest", numbers=1, terms=_light_rest)
"""The rest p of the lights, ADU."""

BOTH_RESTS: Final = Law(name="both rests", numbers=2, terms=_both_rests)
"""The rests c of the flat and p of the lights, ADU."""
