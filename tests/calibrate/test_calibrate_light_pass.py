"""The kernel of lights gives what `calibrate_frame` gives, whatever the samples, masters and types are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenfield.calibrate.frames import calibrate_frame
from evenfield.calibrate.lights import SAMPLE_PIXELS, LightPass
from evenfield.errors import UsageError
from evenfield.model.calibration import CalibrationTerms
from evenfield.model.pixels import Encoding, Tile

ENCODINGS = [
    Encoding(dtype="int16", swapped=True, bzero=32768.0),
    Encoding(dtype="int16", swapped=False, bzero=32768.0),
    Encoding(dtype="int16", swapped=True, bzero=0.0),
    Encoding(dtype="float32"),
]
FORMS = ["=f4", ">f4", "=u2", ">u2"]


def _raw(values: np.ndarray, encoding: Encoding) -> np.ndarray:
    if encoding.dtype == "float32":
        return values.astype(np.float32)
    stored = (values - encoding.bzero).astype(np.int16)
    return stored.byteswap() if encoding.swapped else stored


def _run(
    raw: np.ndarray, encoding: Encoding, form: str, *, height: int, shift: float, pedestal: float, **masters: Any
) -> tuple[np.ndarray, LightPass]:
    made = LightPass(encoding, raw.shape, shift=shift, pedestal=pedestal)
    out = np.empty(raw.shape, form)
    for start in range(0, raw.shape[0], height):
        rows = slice(start, min(start + height, raw.shape[0]))
        some = {name: None if master is None else master[rows] for name, master in masters.items()}
        made.band(Tile(start=rows.start, stop=rows.stop), raw[rows], out[rows], **some)
    return out, made


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    encoding=st.sampled_from(ENCODINGS),
    form=st.sampled_from(FORMS),
    shape=st.tuples(st.integers(1, 40), st.integers(1, 90)),
    height=st.integers(1, 40),
    shift=st.sampled_from([0.0, 512.0, -3.25]),
    pedestal=st.sampled_from([0.0, 100.0]),
    has_dark=st.booleans(),
    has_flat=st.booleans(),
)
def test_a_pass_is_calibrate_frame(
    seed: int,
    encoding: Encoding,
    form: str,
    shape: tuple[int, int],
    height: int,
    shift: float,
    pedestal: float,
    has_dark: bool,
    has_flat: bool,
) -> None:
    """Values to the bit, and what is counted; masters hold NaN, zeros and negative pixels."""
    rng = np.random.default_rng(seed)
    high = 65535 if encoding.bzero else 32767
    values = rng.integers(0, high + 1, shape).astype(np.float64)
    dark = rng.normal(300, 200, shape).astype(np.float32) if has_dark else None
    flat = rng.normal(1.0, 0.4, shape).astype(np.float32) if has_flat else None
    for master in (dark, flat):
        if master is not None:
            master.reshape(-1)[rng.integers(0, master.size, 3)] = [np.nan, 0.0, -1.0]
    raw = _raw(values, encoding)
    masters = {"subtract": dark, "divide": flat}
    out, made = _run(raw, encoding, form, height=height, shift=shift, pedestal=pedestal, **masters)

    # The pedestal is added before the only rounding; to subtract it with the shift scales it by the flat.
    true = values - shift - (0.0 if dark is None else dark.astype(np.float64))
    if flat is not None:
        true = np.divide(true, flat.astype(np.float64), out=np.full(shape, np.nan), where=flat > 0)
    with np.errstate(invalid="ignore"):
        wanted = (true + pedestal).astype(np.float32)
        outside = ~((wanted >= 0) & (wanted <= 65535))
        if form.endswith("u2"):
            kept = np.where(np.isnan(wanted), 0, np.clip(wanted, 0, 65535))
            np.testing.assert_array_equal(out, np.rint(kept).astype(np.uint16))
        else:
            np.testing.assert_array_equal(out.astype("=f4").view(np.uint32), _one_nan(wanted).view(np.uint32))
        assert made.counts.negative == np.count_nonzero(wanted < 0)
    if pedestal == 0.0:
        terms = CalibrationTerms(subtract=dark, shift=shift, divide=flat)
        np.testing.assert_array_equal(calibrate_frame(values.astype(np.float32), terms=terms), wanted)
    assert made.counts.no_data == np.count_nonzero(~np.isfinite(wanted))
    assert made.counts.low == np.count_nonzero(values <= 0)
    assert made.counts.clipped == (np.count_nonzero(outside) if form.endswith("u2") else 0)
    finite = wanted[np.isfinite(wanted)]
    if finite.size:
        assert made.median() == pytest.approx(float(np.median(finite)) - pedestal, rel=1e-5, abs=0.01)
    else:
        assert made.median() is None


def _one_nan(values: np.ndarray) -> np.ndarray:
    """Every NaN with the same bits."""
    return np.where(np.isnan(values), np.float32(np.nan), values).astype(np.float32)


def test_the_median_of_many_pixels_is_near_that_of_all() -> None:
    """A sample of a large light tells its median within a hundredth of its scatter, in bands of any height."""
    rng = np.random.default_rng(5)
    values = np.rint(rng.normal(2000.0, 50.0, (1300, 2000)))
    encoding = ENCODINGS[0]
    found = set()
    for height in (100, 1300):
        _, made = _run(_raw(values, encoding), encoding, ">f4", height=height, shift=0.0, pedestal=0.0)
        found.add(made.median())
    assert values.size > 10 * SAMPLE_PIXELS
    (median,) = found
    assert median == pytest.approx(np.median(values), abs=0.5)


def test_masters_of_another_size_are_refused() -> None:
    """Compiled code would read beyond their end."""
    made = LightPass(ENCODINGS[3], (4, 5))
    raw, out = np.zeros((4, 5), np.float32), np.zeros((4, 5), np.float32)
    with pytest.raises(UsageError, match="The frame is 5 x 4, the master to divide 5 x 3"):
        made.band(Tile(start=0, stop=4), raw, out, divide=np.ones((3, 5), np.float32))
