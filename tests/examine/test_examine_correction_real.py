"""Real lights: the mask finds what is there, and lights of a spectrograph, which show no sky, get no verdict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from evenfield.examine.correction import CorrectionVerdict, examine_correction
from evenfield.examine.sky import cells_of_flat, cells_of_light, star_mask
from evenfield.model.pixels import Float32Array

pytestmark = pytest.mark.real


def frames(folder: Path) -> list[Float32Array]:
    """All frames of a folder."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".fit", ".fits"))
    return [np.asarray(fits.getdata(path), np.float32) for path in paths]


def test_nebula_and_stars_of_a_color_camera(real_data: Path) -> None:
    """In raw lights of M 27, the nebula in the middle and the stars are masked, and most of the sky is not."""
    for light in frames(real_data / "als-osc-lights"):
        mask = star_mask(light, cfa="RGGB")
        middle = mask[410:470, 560:620]
        assert middle.mean() > 0.95
        assert 0.05 < mask.mean() < 0.25
        for cells in cells_of_light(light, cfa="RGGB"):
            assert np.isfinite(cells.value).mean() > 0.8


def test_crowded_field_of_a_quiet_camera(real_data: Path) -> None:
    """In a crowded field with 1.7 ADU of noise, sky is left between the stars, and its cells agree to 1 %."""
    folder = real_data / "exotic-hatp32" / "HatP32Dec202017"
    for path in sorted(folder.glob("*.FITS")):
        (cells,) = cells_of_light(np.asarray(fits.getdata(path), np.float32))
        known = cells.value[np.isfinite(cells.value)]
        assert 0.3 < known.size / cells.value.size < 0.9
        low, high = np.quantile(known, (0.05, 0.95))
        assert high - low < 0.02 * np.median(known)


def test_spectrograph_cannot_tell(real_data: Path) -> None:
    """Lights and flats of a solar spectrograph, whose lights show no sky, get "cannot tell"."""
    folder = real_data / "msdp-solar"
    dark = np.mean(frames(folder / "Darks"), axis=0)
    stack = np.stack([(one - dark) / np.mean(one - dark) for one in frames(folder / "Flats")])
    level = float(np.mean(frames(folder / "Flats")[0] - dark))
    flat = (stack.mean(axis=0) * level).astype(np.float32)
    noise = (stack.std(axis=0, ddof=1) * level / len(stack) ** 0.5).astype(np.float32)
    lights = [cells_of_light((one - dark).astype(np.float32), flat=flat) for one in frames(folder / "Lights")]
    for flats in (cells_of_flat(flat, noise=noise), cells_of_flat(flat)):
        assert examine_correction(lights, flats=flats).verdict is CorrectionVerdict.CANNOT_TELL
