"""Hot, cold and unstable pixels that masters show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from evenfield.examine.defects import find_defects
from evenfield.model.pixels import PixelFlag
from evenfield.run.defects import map_defects

SHAPE = (200, 300)


def dark(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A master dark with a gradient, and the noise of its values."""
    rng = np.random.default_rng(seed)
    values = 500 + 0.02 * np.arange(SHAPE[1])[None, :] + rng.normal(0, 1.5, SHAPE)
    return values.astype(np.float32), np.full(SHAPE, 1.5, np.float32)


@pytest.mark.parametrize("cfa", [None, "RGGB"])
def test_hot_pixels_are_found_and_no_others(cfa: str | None) -> None:
    """Pixels well above their neighbors of the same color are hot, in the frame and at its edge; noise is not."""
    pixels, _ = dark()
    places = [(0, 0), (50, 60), (50, 61), (199, 299), (100, 5)]
    for place in places:
        pixels[place] += 60
    flags = find_defects(pixels, is_dark=True, cfa=cfa)
    assert sorted(map(tuple, np.argwhere(flags & PixelFlag.HOT).tolist())) == sorted(places)


def test_unstable_pixels_are_noisier_than_their_signal_explains() -> None:
    """Hot pixels of shot noise are steady; one that jumps is not."""
    pixels, noise = dark()
    rng = np.random.default_rng(2)
    hot = rng.random(SHAPE) < 0.01
    pixels[hot] += rng.uniform(100, 2000, hot.sum()).astype(np.float32)
    noise[hot] = np.sqrt(1.5**2 + (pixels[hot] - 500) / 20)
    noise[20, 30] = 30.0
    flags = find_defects(pixels, is_dark=True, noise=noise)
    assert np.argwhere(flags & PixelFlag.UNSTABLE).tolist() == [[20, 30]]


@pytest.mark.parametrize("cfa", [None, "RGGB"])
def test_cold_pixels_are_dark_in_the_flat(cfa: str | None) -> None:
    """Less than half of the neighbors' light is cold, also beside vignetting and where one color is weak."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    flat = (30000 * (1 - 0.6 * ((x - 150) ** 2 + (y - 100) ** 2) / 32500)).astype(np.float32)
    if cfa:
        flat[0::2, 0::2] *= np.float32(0.3)
    flat[70, 80], flat[10, 11], flat[30, 30] = 0.4 * flat[70, 80], -3.0, np.nan
    flags = find_defects(flat, is_dark=False, cfa=cfa)
    assert sorted(map(tuple, np.argwhere(flags & PixelFlag.COLD).tolist())) == [(10, 11), (70, 80)]
    assert flags[30, 30] == PixelFlag.NO_DATA


def test_the_map_of_several_masters(tmp_path: Path, ev_plain: Callable[..., Any]) -> None:
    """The command writes what all of them show into one file, and never over another."""
    pixels, _ = dark()
    pixels[5, 6] += 100
    flat = np.full(SHAPE, 20000, np.float32)
    flat[7, 8] = 100
    for name, values, kind in (("d.fits", pixels, "Master Dark"), ("f.fits", flat, "Master Flat")):
        hdu = fits.PrimaryHDU(values)
        hdu.header["IMAGETYP"] = kind
        hdu.writeto(tmp_path / name)
    assert ev_plain("defects", tmp_path / "d.fits", tmp_path / "f.fits", "-o", tmp_path / "map.fits") == 0
    found = fits.getdata(tmp_path / "map.fits")
    assert (found[5, 6], found[7, 8], np.count_nonzero(found)) == (PixelFlag.HOT, PixelFlag.COLD, 2)
    assert ev_plain("defects", tmp_path / "d.fits", "-o", tmp_path / "map.fits") == 1
    again = map_defects([str(tmp_path / "d.fits")], output=str(tmp_path / "map.fits"), overwrite=True)
    assert again.counts == {"hot": 1}


@pytest.fixture
def ev_plain() -> Callable[..., int]:
    """Run a command in this process; its exit code."""
    from evenfield.cli.app import run_cli

    return lambda *arguments: run_cli([str(one) for one in arguments])
