"""Calibrating one frame: in memory, while reading, and while combining give the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenfield.calibrate import CalibratedView, calibrate_frame, scaled_dark
from evenfield.combine import BandTerms, CombineRecipe, combine_band
from evenfield.errors import UsageError
from evenfield.model.calibration import CalibrationTerms
from evenfield.model.pixels import FLOAT32_ENCODING, Encoding, PixelSource, Tile
from evenfield.model.rejections import NoRejection

SWAPPED = Encoding(dtype="int16", swapped=True, bzero=32768.0)


class StoredFrame:
    """A source of 16-bit samples as a FITS file holds them."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values
        self.closed = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.values.shape[0], self.values.shape[1]

    encoding = SWAPPED

    def read_raw(self, tile: Tile, out: np.ndarray) -> None:
        """Swapped, signed 16-bit samples."""
        out[...] = (self.values[tile.start : tile.stop].astype(np.int32) - 32768).astype(np.int16).byteswap()

    def read(self, tile: Tile) -> np.ndarray:
        """True values."""
        return self.values[tile.start : tile.stop].astype(np.float32)

    def content_hash(self) -> str:
        """A fixed hash."""
        return "xxh3:1"

    def close(self) -> None:
        """Count the calls."""
        self.closed += 1


@settings(deadline=None, max_examples=80)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 9),
    st.integers(1, 30),
    st.floats(-500, 500),
    st.floats(0.01, 20),
    st.booleans(),
)
def test_fused_view_and_numpy_are_bit_equal(
    seed: int, rows: int, columns: int, shift: float, scale: float, with_master: bool
) -> None:
    """One frame calibrated while combining, through the view and in plain NumPy: the same float32 numbers."""
    generator = np.random.default_rng(seed)
    values = generator.integers(0, 65536, (rows, columns)).astype(np.uint16)
    master = generator.normal(300, 20, values.shape).astype(np.float32) if with_master else None
    if master is not None:
        master[generator.random(values.shape) < 0.1] = np.nan
    source = StoredFrame(values)

    plain = values.astype(np.float64) - shift
    plain = ((plain - master.astype(np.float64) if master is not None else plain) * scale).astype(np.float32)

    def terms_for(tile: Tile) -> CalibrationTerms:
        part = None if master is None else master[tile.start : tile.stop]
        return CalibrationTerms(subtract=part, shift=shift, scale=scale)

    view = CalibratedView(source, terms_for)
    start = rows // 2
    through_view = np.empty((rows, columns), np.float32)
    for tile in (Tile(start=0, stop=start), Tile(start=start, stop=rows)):
        view.read_raw(tile, through_view[tile.start : tile.stop])

    raw = np.empty((rows, columns), np.int16)
    source.read_raw(Tile(start=0, stop=rows), raw)
    terms = BandTerms(
        shifts=np.array([shift]),
        scales=np.array([scale]),
        subtract=None if master is None else master.reshape(1, -1),
        which=np.array([-1 if master is None else 0]),
    )
    recipe = CombineRecipe(rejection=NoRejection())
    fused = combine_band(raw.reshape(1, -1), encoding=SWAPPED, terms=terms, recipe=recipe).value.reshape(values.shape)

    in_memory = calibrate_frame(values, terms=CalibrationTerms(subtract=master, shift=shift, scale=scale))
    np.testing.assert_array_equal(in_memory, plain)
    np.testing.assert_array_equal(through_view, plain)
    np.testing.assert_array_equal(fused, plain)


def test_the_formula_is_applied_in_its_order() -> None:
    """(raw - shift - subtract) * scale / divide, negatives kept."""
    terms = CalibrationTerms(
        subtract=np.array([[10.0, 200.0]], np.float32), shift=5.0, scale=3.0, divide=np.array([[0.5, 2.0]], np.float32)
    )
    found = calibrate_frame(np.array([[100, 100]], np.uint16), terms=terms)
    np.testing.assert_array_equal(found, np.array([[510.0, -157.5]], np.float32))
    assert found.dtype == np.float32


def test_what_cannot_be_divided_is_nan() -> None:
    """A master flat that is zero, negative or NaN gives NaN, never a silent 1; a NaN sample stays NaN."""
    divide = np.array([[0.0, -1.0, np.nan, 1.0, 1.0]], np.float32)
    frame = np.array([[5.0, 5.0, 5.0, np.nan, 5.0]])
    found = calibrate_frame(frame, terms=CalibrationTerms(divide=divide))
    np.testing.assert_array_equal(found, [[np.nan, np.nan, np.nan, np.nan, 5.0]])


def test_a_frame_of_many_chunks_is_calibrated_whole() -> None:
    """Frames larger than the float64 scratch space give the same as small ones; the frame itself is left alone."""
    frame = np.random.default_rng(1).integers(0, 60000, (700, 500)).astype(">u2")
    before = frame.copy()
    divide = np.random.default_rng(2).uniform(0.5, 1.0, frame.shape).astype(np.float32)
    found = calibrate_frame(frame, terms=CalibrationTerms(divide=divide, shift=7.0))
    np.testing.assert_array_equal(found, ((frame - 7.0) / divide.astype(float)).astype(np.float32))
    np.testing.assert_array_equal(frame, before)


def test_masters_that_do_not_fit_are_refused() -> None:
    """A master of another size is named with both sizes; what is no frame is refused."""
    master = np.ones((2, 3), np.float32)
    for name in ("subtract", "divide"):
        with pytest.raises(UsageError, match=f"frame is 4 x 2, the master to {name} 3 x 2"):
            calibrate_frame(np.ones((2, 4)), terms=CalibrationTerms(**{name: master}))
    for frame in (np.ones(3), np.ones((2, 2), complex), np.ones((2, 2), object)):
        with pytest.raises(UsageError, match="dimensions and dtype"):
            calibrate_frame(frame, terms=CalibrationTerms())


def test_the_view_is_a_source() -> None:
    """The view has its source's shape and hash, gives float32, and closes its source."""
    source = StoredFrame(np.ones((3, 4), np.uint16))
    view = CalibratedView(source, lambda tile: CalibrationTerms())
    assert isinstance(view, PixelSource)
    assert (view.shape, view.encoding, view.content_hash()) == ((3, 4), FLOAT32_ENCODING, "xxh3:1")
    view.close()
    assert source.closed == 1


def test_scaled_dark_scales_the_signal_alone() -> None:
    """bias + k (dark - bias): factor 1 is the dark, 0 the bias, and the bias is never scaled."""
    bias = np.full((2, 2), 1000.0, np.float32)
    dark = np.array([[1100.0, 1001.0], [np.nan, 990.0]], np.float32)
    np.testing.assert_array_equal(scaled_dark(dark, bias=bias, factor=1.0), dark)
    np.testing.assert_array_equal(scaled_dark(dark, bias=bias, factor=0.5), [[1050.0, 1000.5], [np.nan, 995.0]])
    zero: Any = scaled_dark(dark, bias=bias, factor=0.0)
    assert zero.dtype == np.float32
    np.testing.assert_array_equal(zero[0], bias[0])


@pytest.mark.parametrize("factor", [-0.1, np.nan, np.inf])
def test_scaled_dark_refuses_impossible_factors(factor: float) -> None:
    """A factor that is negative or not finite is refused; so are masters of two sizes."""
    with pytest.raises(UsageError, match="scaled by"):
        scaled_dark(np.ones((2, 2)), bias=np.ones((2, 2)), factor=factor)
    with pytest.raises(UsageError, match="dark is 2 x 2, the bias 3 x 2"):
        scaled_dark(np.ones((2, 2)), bias=np.ones((2, 3)), factor=1.0)
