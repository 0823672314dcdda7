"""Hypothesis strategies for stacks and rejections. Only this module needs hypothesis."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from evenfield.model.pixels import Float64Array
from evenfield.model.rejections import Extremes, MinMax, NoRejection, Rejection, Sigma, Winsorized, ZScore

LIMITS = st.sampled_from([0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0])


def rejections(n_frames: int) -> st.SearchStrategy[Rejection]:
    """Rejections that may be asked for with ``n_frames`` frames."""
    kinds: list[st.SearchStrategy[Rejection]] = [
        st.just(NoRejection()),
        st.builds(ZScore, limit=LIMITS),
        st.builds(Sigma, low=LIMITS, high=LIMITS),
        st.builds(Winsorized, low=LIMITS, high=LIMITS),
        st.integers(0, n_frames - 1).flatmap(
            lambda low: st.builds(MinMax, n_low=st.just(low), n_high=st.integers(0, n_frames - 1 - low))
        ),
    ]
    if n_frames >= 3:
        kinds.append(st.builds(Extremes, times=st.integers(1, (n_frames - 1) // 2)))
    return st.one_of(kinds)


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
