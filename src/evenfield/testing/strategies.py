"""Hypothesis strategies for stacks and rejections. Only this module needs hypothesis."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from evenfield.model.pixels import Float64Array
from evenfield.model.rejections import (
    Averaged,
    Ccd,
    Esd,
    Extremes,
    Linear,
    Mad,
    MinMax,
    NoRejection,
    Percentile,
    Rcr,
    Rejection,
    Sigma,
    Winsorized,
    ZScore,
)

LIMITS = st.sampled_from([0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0])

SHARES = st.sampled_from([0.0005, 0.01, 0.1, 0.3, 1.0])

NAMES: Final = (
    "none", "zscore", "extremes", "minmax", "percentile", "sigma", "mad", "winsorized", "averaged", "linear", "esd",
    "rcr", "ccd",
)  # fmt: skip
"""The rejections that may be drawn: all but "auto"."""


def rejections(n_frames: int, *, among: Collection[str] = NAMES) -> st.SearchStrategy[Rejection]:
    """Rejections that may be asked for with ``n_frames`` frames, of the names ``among``; ccd has both its numbers."""
    kinds: dict[str, st.SearchStrategy[Rejection]] = {
        "none": st.just(NoRejection()),
        "zscore": st.builds(ZScore, limit=LIMITS),
        "minmax": st.integers(0, n_frames - 1).flatmap(
            lambda low: st.builds(MinMax, n_low=st.just(low), n_high=st.integers(0, n_frames - 1 - low))
        ),
        "percentile": st.builds(Percentile, low=SHARES, high=SHARES),
        "sigma": st.builds(Sigma, low=LIMITS, high=LIMITS),
        "mad": st.builds(Mad, low=LIMITS, high=LIMITS),
        "winsorized": st.builds(Winsorized, low=LIMITS, high=LIMITS),
        "averaged": st.builds(Averaged, low=LIMITS, high=LIMITS),
        "linear": st.builds(Linear, low=LIMITS, high=LIMITS, against=st.sampled_from(["ranks", "scores"])),
        "esd": st.builds(
            Esd, outliers=st.sampled_from([0.05, 0.1, 0.3, 0.45]), alpha=st.sampled_from([0.01, 0.05, 0.5])
        ),
        "rcr": st.builds(Rcr, limit=st.sampled_from([0.01, 0.1, 0.5, 0.9])),
        "ccd": st.builds(
            Ccd,
            low=LIMITS,
            high=LIMITS,
            read_noise_adu=st.sampled_from([0.0, 0.01, 1.0, 25.0]),
            egain_e_per_adu=st.sampled_from([0.1, 1.0, 30.0, 10000.0]),
            scale_noise=st.sampled_from([0.0, 0.001]),
        ),
    }
    if n_frames >= 3:
        kinds["extremes"] = st.builds(Extremes, times=st.integers(1, (n_frames - 1) // 2))
    return st.one_of([kinds[name] for name in NAMES if name in among and name in kinds])


@st.composite
def integer_stacks(
    draw: st.DrawFn, *, max_frames: int = 12, max_pixels: int = 24, span: int = 12
) -> NDArray[np.uint16]:
    """16-bit stacks (n_frames, n_pixels) of few different values: many ties, many constant columns."""
    n_frames, n_pixels = draw(st.integers(1, max_frames)), draw(st.integers(1, max_pixels))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    base = draw(st.integers(0, 65535 - span))
    spread = generator.integers(0, span + 1, n_pixels)
    drawn = base + np.floor(generator.random((n_frames, n_pixels)) * (spread + 1))
    return drawn.astype(np.uint16)


@st.composite
def float_stacks(draw: st.DrawFn, *, max_frames: int = 20, max_pixels: int = 24, holes: bool = True) -> Float64Array:
    """Float stacks (n_frames, n_pixels): normal samples, outliers on either side and, where asked for, NaN and inf."""
    n_frames, n_pixels = draw(st.integers(1, max_frames)), draw(st.integers(1, max_pixels))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    level, noise = draw(st.sampled_from([0.0, 1.0, -30.0, 1000.0, 40000.0])), draw(st.sampled_from([0.01, 1.0, 25.0]))
    stack = generator.normal(level, noise, (n_frames, n_pixels))
    hit = generator.random(stack.shape) < draw(st.sampled_from([0.0, 0.03, 0.2]))
    stack[hit] += generator.normal(0.0, 100.0 * noise, int(hit.sum()))
    if holes:
        lost = generator.random(stack.shape) < draw(st.sampled_from([0.0, 0.1, 0.6]))
        stack[lost] = generator.choice([np.nan, np.inf, -np.inf], int(lost.sum()))
    return stack
