"""TIFF copies: what a viewer sees, and how the values come back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from evenfield.errors import OutputExistsError, WriteError
from evenfield.model.pixels import Unit
from evenfield.write.tiff_file import read_tiff_about, write_tiff

tifffile = pytest.importorskip("tifffile")


@pytest.fixture
def pixels() -> np.ndarray:
    """Values of a calibrated light, with a pixel below zero and one without data."""
    values = np.random.default_rng(2).normal(1200, 30, (20, 31)).astype(np.float32)
    values[3, 4], values[5, 6] = -40.0, np.nan
    return values


def test_16_bits_hold_all_values_and_say_how(tmp_path: Path, pixels: np.ndarray) -> None:
    """Negative values are not cut off: black is the least value, which the description tells."""
    path = write_tiff(tmp_path / "a.tif", pixels=pixels, unit=Unit.ADU, bits="16", about={"product": "a.fits"})
    about = read_tiff_about(path)
    assert about == {"product": "a.fits", "low": -40.0, "high": 65535.0}
    stored = tifffile.imread(path)
    assert stored.dtype == np.uint16
    back = stored / 65535.0 * (about["high"] - about["low"]) + about["low"]
    good = np.isfinite(pixels)
    assert np.abs(back - pixels)[good].max() <= 0.51
    assert stored[5, 6] == 0
    # Another program reads the same.
    with Picture.open(path) as picture:
        np.testing.assert_array_equal(np.asarray(picture), stored)


def test_adu_of_a_camera_stay_what_they_are(tmp_path: Path) -> None:
    """Whole ADU within 0..65535 are stored as such."""
    values = np.arange(600, dtype=np.float32).reshape(20, 30)
    path = write_tiff(tmp_path / "a.tif", pixels=values, unit=Unit.ADU, bits="16", about={})
    np.testing.assert_array_equal(tifffile.imread(path), values)


def test_32_bits_are_floats_for_viewers(tmp_path: Path, pixels: np.ndarray) -> None:
    """ADU become 0..1, negative values stay; what is relative stays as it is."""
    stored = tifffile.imread(write_tiff(tmp_path / "a.tif", pixels=pixels, unit=Unit.ADU, bits="32", about={}))
    assert stored.dtype == np.float32
    np.testing.assert_allclose(stored, np.nan_to_num(pixels) / 65535.0, rtol=1e-6)
    flat = np.linspace(0.7, 1.2, 12, dtype=np.float32).reshape(3, 4)
    stored = tifffile.imread(write_tiff(tmp_path / "b.tif", pixels=flat, unit=Unit.RELATIVE, bits="32", about={}))
    np.testing.assert_array_equal(stored, flat)
    stored = tifffile.imread(write_tiff(tmp_path / "c.tif", pixels=flat, unit=Unit.RELATIVE, bits="16", about={}))
    assert (stored.min(), stored.max()) == (round(0.7 / 1.2 * 65535), 65535)


def test_equal_work_equal_files_and_nothing_replaced(tmp_path: Path, pixels: np.ndarray) -> None:
    """No time in it; a file of that name stays."""
    first = write_tiff(tmp_path / "a.tif", pixels=pixels, unit=Unit.ADU, bits="16", about={"x": "y"})
    second = write_tiff(tmp_path / "b.tif", pixels=pixels, unit=Unit.ADU, bits="16", about={"x": "y"})
    assert Path(first).read_bytes() == Path(second).read_bytes()
    with pytest.raises(OutputExistsError):
        write_tiff(first, pixels=pixels, unit=Unit.ADU, bits="32", about={})
    with tifffile.TiffFile(first) as file:
        assert json.loads(file.pages[0].description)["x"] == "y"


def test_without_tifffile_one_sentence(tmp_path: Path, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install is said."""
    monkeypatch.setitem(__import__("sys").modules, "tifffile", None)
    with pytest.raises(WriteError, match="tifffile is not installed") as caught:
        write_tiff(tmp_path / "a.tif", pixels=pixels, unit=Unit.ADU, bits="16", about={})
    assert "pip install" in caught.value.mend
    assert not list(tmp_path.iterdir())
