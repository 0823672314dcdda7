"""The further images of a FITS file, band by band: the same numbers as astropy gives."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from evenfield.model.pixels import Tile
from evenfield.read import read_extension
from evenfield.read.extensions import extension_names, open_extension


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with a float picture, two maps and a table."""
    rng = np.random.default_rng(3)
    hdus = [
        fits.PrimaryHDU(rng.normal(size=(9, 7)).astype(np.float32)),
        fits.ImageHDU(rng.integers(0, 40000, (9, 7)).astype(np.uint16), name="used"),
        fits.BinTableHDU(np.zeros(3, [("a", "i4")]), name="TABLE"),
        fits.ImageHDU(rng.normal(size=(5, 4)).astype(np.float32), name="NOISE"),
    ]
    fits.HDUList(hdus).writeto(tmp_path / "a.fits")
    return tmp_path / "a.fits"


@pytest.mark.parametrize("name", ["USED", "noise"])
def test_bands_are_those_of_the_whole(file: Path, name: str) -> None:
    """Bands of rows in any order are the rows of the extension."""
    wanted = read_extension(file, name)
    assert wanted is not None
    source = open_extension(file, name.upper())
    assert source is not None
    with contextlib.closing(source):
        assert source.shape == wanted.shape
        for start, stop in ((2, 5), (0, 1), (4, wanted.shape[0])):
            np.testing.assert_array_equal(source.read(Tile(start=start, stop=stop)), wanted[start:stop])


def test_what_is_not_there(file: Path, tmp_path: Path) -> None:
    """Another name, a table, and a file that is no image give nothing; the names are those of images alone."""
    assert extension_names(file) == ("USED", "NOISE")
    assert open_extension(file, "HIGH") is None
    assert open_extension(file, "TABLE") is None
    (tmp_path / "b.fits").write_bytes(b"no image at all" * 400)
    assert open_extension(tmp_path / "b.fits", "USED") is None
    assert extension_names(tmp_path / "b.fits") == ()
