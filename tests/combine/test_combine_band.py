"""Combining raw bands with their calibration terms."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenfield.combine import BandTerms, CombineRecipe, combine_band
from evenfield.errors import CombineError
from evenfield.model.pixels import FLOAT32_ENCODING, Combined, Encoding
from evenfield.model.rejections import AutoRejection, Ccd, MinMax, NoRejection, Winsorized
from evenfield.testing import combine_reference
from evenfield.testing.strategies import rejections

SWAPPED = Encoding(dtype="int16", swapped=True, bzero=32768.0)
FIELDS = ("value", "noise", "count", "rejected_low", "rejected_high")


def stored(values: np.ndarray, encoding: Encoding) -> np.ndarray:
    """True values as a file stores them, in a native buffer."""
    if encoding.dtype == "float32":
        return values.astype(np.float32)
    signed = (values - encoding.bzero).astype(np.int16)
    return signed.byteswap() if encoding.swapped else signed


def plain_terms(n: int) -> BandTerms:
    """Terms that change nothing."""
    return BandTerms(shifts=np.zeros(n), scales=np.ones(n), which=np.full(n, -1, np.int64))


ENCODINGS = [
    SWAPPED,
    Encoding(dtype="int16", swapped=False, bzero=32768.0),
    Encoding(dtype="int16", swapped=True, bzero=0.0),
    Encoding(dtype="int16", swapped=False, bzero=-3.5),
    FLOAT32_ENCODING,
]


@pytest.mark.parametrize("encoding", ENCODINGS, ids=str)
def test_every_16_bit_number_is_decoded(encoding: Encoding) -> None:
    """All 65536 stored numbers come out with their true value, in either byte order."""
    true = np.arange(65536, dtype=np.float64) - 32768 + encoding.bzero
    raw = stored(true, encoding)[None, :]
    recipe = CombineRecipe(rejection=NoRejection())
    found = combine_band(raw, encoding=encoding, terms=plain_terms(1), recipe=recipe)
    np.testing.assert_array_equal(found.value, true.astype(np.float32))
    assert found.value.dtype == found.noise.dtype == np.float32
    assert found.count.dtype == found.rejected_low.dtype == found.rejected_high.dtype == np.uint16


@st.composite
def bands(draw: st.DrawFn) -> tuple[np.ndarray, Encoding, BandTerms]:
    """True values of a band, how they are stored, and terms with NaN in a master."""
    n, pixels = draw(st.integers(1, 10)), draw(st.integers(1, 40))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = np.round(generator.normal(draw(st.sampled_from([300.0, 30000.0])), 20.0, (n, pixels))).clip(0, 65535)
    masters = draw(st.integers(0, 3))
    subtract = generator.normal(100.0, 5.0, (masters, pixels)).astype(np.float32) if masters else None
    if subtract is not None:
        subtract[generator.random(subtract.shape) < 0.05] = np.nan
    terms = BandTerms(
        shifts=generator.normal(10.0, 3.0, n),
        scales=generator.uniform(0.5, 2.0, n),
        subtract=subtract,
        which=generator.integers(-1, masters, n),
    )
    return values, draw(st.sampled_from([SWAPPED, ENCODINGS[1], FLOAT32_ENCODING])), terms


def calibrated(values: np.ndarray, terms: BandTerms) -> np.ndarray:
    """The formula in plain NumPy."""
    out = np.empty(values.shape)
    for frame, row in enumerate(values):
        master = 0.0 if terms.which[frame] < 0 else terms.subtract[terms.which[frame]].astype(float)  # type: ignore[index]
        out[frame] = (row - terms.shifts[frame] - master) * terms.scales[frame]
    return out


@settings(deadline=None, max_examples=150)
@given(st.data(), bands(), st.sampled_from(["mean", "median"]), st.booleans())
def test_bands_agree_with_the_twin(data: st.DataObject, band: Any, method: str, weighted: bool) -> None:
    """Decoding, shift, master, scale, rejection and combining in one pass give what the twin gives step by step."""
    values, encoding, terms = band
    n = values.shape[0]
    # The noise that ccd expects depends on the terms, which the twin of a stack does not know.
    chosen = data.draw(rejections(n).filter(lambda one: not isinstance(one, Ccd)))
    limits = data.draw(st.sampled_from(["corrected", "nominal"]))
    weights = np.arange(1.0, n + 1) if weighted and method == "mean" else None
    recipe = CombineRecipe(method=method, rejection=chosen, weights=weights, step=1.25, limits=limits)
    found = combine_band(stored(values, encoding), encoding=encoding, terms=terms, recipe=recipe)
    true = calibrated(values, terms)
    twin = combine_reference(true, method=method, reject=chosen, weights=weights, step=1.25, limits=limits)
    clear = twin.margin > 1e-9
    for name in FIELDS[2:]:
        np.testing.assert_array_equal(getattr(found, name)[clear], getattr(twin, name)[clear], err_msg=name)
    # Deviations of the samples from each other, which scales from 0.5 to 2 make as large as the samples, are float32.
    error = 2e-7 * float(np.nanmax(np.abs(true), initial=1.0))
    np.testing.assert_allclose(found.value[clear], twin.value[clear], rtol=2e-7, atol=error)
    np.testing.assert_allclose(found.noise[clear], twin.noise[clear], rtol=1e-5, atol=error)


def test_any_band_height_and_thread_count_gives_the_same_bits() -> None:
    """Bands of 1 to all pixels, computed one after another or on threads, are bit-equal."""
    generator = np.random.default_rng(5)
    n, pixels = 13, 3000
    values = np.round(generator.normal(30000, 170, (n, pixels)))
    values[generator.random(values.shape) < 0.02] += 5000
    raw = stored(values, SWAPPED)
    subtract = generator.normal(100, 5, (2, pixels)).astype(np.float32)
    shifts, scales, which = generator.normal(0, 3, n), generator.uniform(0.9, 1.1, n), generator.integers(-1, 2, n)
    recipe = CombineRecipe(rejection=Winsorized(low=3.0, high=2.5), step=1.0)

    def part(bounds: tuple[int, int]) -> Combined:
        cut = slice(*bounds)
        terms = BandTerms(shifts=shifts, scales=scales, subtract=subtract[:, cut], which=which)
        return combine_band(np.ascontiguousarray(raw[:, cut]), encoding=SWAPPED, terms=terms, recipe=recipe)

    whole = part((0, pixels))
    assert whole.rejected_high.sum() > 0
    for width in (1, 7, 64, 1000):
        bounds = [(start, min(start + width, pixels)) for start in range(0, pixels, width)]
        with ThreadPoolExecutor(3) as pool:
            parts = list(pool.map(part, bounds))
        for name in FIELDS:
            joined = np.concatenate([getattr(found, name) for found in parts])
            np.testing.assert_array_equal(joined, getattr(whole, name), err_msg=name)


def test_read_only_and_strided_terms_are_taken() -> None:
    """Masters that are read-only or parts of larger arrays need no copy by the caller."""
    master = np.arange(20, dtype=np.float32).reshape(2, 10)
    master.flags.writeable = False
    terms = BandTerms(shifts=np.zeros(2), scales=np.ones(2), subtract=master[:, 2:6], which=np.array([0, 1]))
    recipe = CombineRecipe(rejection=NoRejection())
    found = combine_band(np.full((2, 4), 50, np.float32), encoding=FLOAT32_ENCODING, terms=terms, recipe=recipe)
    np.testing.assert_array_equal(found.value, 50 - (master[0, 2:6] + 5))


RAW = np.zeros((3, 4), np.int16)
GOOD = plain_terms(3)
RECIPE = CombineRecipe(rejection=NoRejection())
MASTER = np.zeros((1, 4), np.float32)

REFUSED: dict[str, tuple[Any, BandTerms, CombineRecipe, str]] = {
    "other dtype": (RAW.astype(np.uint16), GOOD, RECIPE, "uint16"),
    "one dimension": (RAW[0], GOOD, RECIPE, "1 dimensions"),
    "shifts of another length": (RAW, plain_terms(2), RECIPE, "shifts"),
    "masters of another width": (
        RAW,
        BandTerms(shifts=np.zeros(3), scales=np.ones(3), subtract=MASTER[:, :3], which=np.zeros(3, np.int64)),
        RECIPE,
        "4 pixels",
    ),
    "a master that is not there": (
        RAW,
        BandTerms(shifts=np.zeros(3), scales=np.ones(3), subtract=MASTER, which=np.array([0, 1, -1])),
        RECIPE,
        "name master 1, there are 1",
    ),
    "auto": (RAW, GOOD, CombineRecipe(rejection=AutoRejection()), "'auto'"),
    "too few frames": (RAW, GOOD, CombineRecipe(rejection=MinMax(n_low=2, n_high=1)), "at least 4"),
    "weights": (RAW, GOOD, CombineRecipe(rejection=NoRejection(), weights=np.ones(4)), "weights"),
    "method": (RAW, GOOD, CombineRecipe(method="mode", rejection=NoRejection()), "'mode'"),
}


@pytest.mark.parametrize(("raw", "terms", "recipe", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_bands_that_do_not_fit_are_refused(raw: Any, terms: BandTerms, recipe: CombineRecipe, words: str) -> None:
    """Nothing reaches the kernel, which checks no index, unless it fits."""
    with pytest.raises(CombineError, match=words):
        combine_band(raw, encoding=SWAPPED, terms=terms, recipe=recipe)
