"""The noise of a master flat, predicted and measured, and what more flats would do."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from evenfield.errors import UsageError
from evenfield.examine.camera_findings import more_flats_findings
from evenfield.examine.flat_noise import CameraNoise, master_flat_noise, more_flats, noise_between
from evenfield.model.frame import FrameKind
from evenfield.simulate import Camera, Optics, expose, illumination

CAMERA = CameraNoise(egain_e_per_adu=0.5, read_noise_e=3.0, step_adu=4.0)


def test_prediction_is_the_formula() -> None:
    """Photon, read and rounding noise of flats and dark flats add up as variances."""
    floor = 9.0 + 4.0 / 12.0
    expected = math.sqrt((10000.0 + floor) / 20 + floor / 10) / 10000.0
    found = master_flat_noise(CAMERA, level_adu=20000.0, n_flats=20, n_dark_flats=10)
    assert found == pytest.approx(expected, rel=1e-12)
    levels = np.array([20000.0, 10000.0, np.nan, -1.0])
    parts = [master_flat_noise(CAMERA, level_adu=each, n_flats=20) for each in (20000.0, 10000.0)]
    both = master_flat_noise(CAMERA, level_adu=levels, n_flats=20)
    assert both == pytest.approx(math.sqrt((parts[0] ** 2 + parts[1] ** 2) / 2), rel=1e-12)


@pytest.mark.parametrize("cfa", [None, "RGGB"])
def test_prediction_is_what_halves_show(cfa: str | None) -> None:
    """The master's noise is within 5 % of what the difference of two halves shows."""
    camera = Camera(
        name="halves", shape=(320, 320), egain_e_per_adu=0.5, read_noise_e=3.0, bits=14, sample_step=4, cfa=cfa,
        full_well_e=60000.0, hot_share=0.0,
    )  # fmt: skip
    rng = np.random.default_rng(4)
    light = illumination(Optics(), shape=camera.shape) * 10000.0
    flats = [
        expose(camera, kind=FrameKind.FLAT, exposure_s=1.0, light_e_per_s=light, rng=rng) - 500.0 for _ in range(12)
    ]
    halves = [np.mean(flats[start::2], axis=0).astype(np.float32) for start in (0, 1)]
    measured = noise_between(halves[0], second=halves[1], cfa=cfa)
    predicted = master_flat_noise(CAMERA, level_adu=np.mean(flats, axis=0), n_flats=12)
    assert measured == pytest.approx(predicted, rel=0.05)


def test_prediction_holds_for_real_flats(real_data: Path) -> None:
    """The noise of the STL-1001E's master flat is within 5 % of what its halves show."""
    from astropy.io import fits

    folder = real_data / "ast443-cgs-bigccd"
    base = np.mean([fits.getdata(path) for path in sorted(folder.glob("biases-*"))], axis=0)
    flats = [fits.getdata(path) - base for path in sorted(folder.glob("flat-*"))]
    flats = [flat * (flats[0].mean() / flat.mean()) for flat in flats]
    halves = [np.mean(flats[start::2], axis=0).astype(np.float32) for start in (0, 1)]
    camera = CameraNoise(egain_e_per_adu=1.94, read_noise_e=13.0)
    predicted = master_flat_noise(camera, level_adu=np.mean(flats, axis=0), n_flats=10)
    assert noise_between(halves[0], second=halves[1]) == pytest.approx(predicted, rel=0.05)


def test_more_flats_lower_the_share_with_their_root() -> None:
    """Three times as many flats halve the noise of one third as many again: shares fall with the root of the number."""
    more = more_flats(0.004, camera=CAMERA, sky_adu=2000.0, n_flats=10, n_more=30)
    light = math.sqrt(1000.0 + CAMERA.floor_e2) / 1000.0
    assert more.share_now == pytest.approx(0.004 / light)
    assert more.share_then == pytest.approx(0.5 * more.share_now)
    assert more.total_now == pytest.approx(math.hypot(1.0, more.share_now))
    assert "30 more flats" in more.sentence
    not_dithered = more_flats(0.004, camera=CAMERA, sky_adu=2000.0, n_flats=10, n_more=30, n_lights=100)
    assert not_dithered.share_now == pytest.approx(10.0 * more.share_now)
    assert more_flats_findings(more, name="Ha") == ()
    assert [one.code for one in more_flats_findings(not_dithered, name="Ha")] == ["more_flats_help"]


def test_nothing_is_made_up_without_frames_or_light() -> None:
    """Without flats, light or sky there is an error, no number."""
    with pytest.raises(UsageError):
        master_flat_noise(CAMERA, level_adu=0.0, n_flats=10)
    with pytest.raises(UsageError):
        master_flat_noise(CAMERA, level_adu=1000.0, n_flats=0)
    with pytest.raises(UsageError):
        more_flats(0.001, camera=CAMERA, sky_adu=0.0, n_flats=10, n_more=10)
