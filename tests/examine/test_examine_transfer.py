"""Photon transfer from simulated flats of known gain and read noise, and from real ones."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evenfield.errors import UsageError
from evenfield.examine.flat_noise import camera_noise
from evenfield.examine.transfer import TransferFrames
from evenfield.examine.transfer_cells import cell_grid, find_step
from evenfield.examine.transfer_curve import measure_transfer
from evenfield.examine.transfer_values import Measured, PhotonTransfer, mean_of
from evenfield.model.frame import FrameKind
from evenfield.simulate import Camera, Lamp, Optics, color_image, expose, illumination

X_TRANS = "GGRGGBGGBGGRBRGRBGGGBGGRGGRGGBRBGBRG"
MONO = Camera(name="test", shape=(320, 320), egain_e_per_adu=0.4, read_noise_e=2.5, full_well_e=60000.0)


def take_flats(
    camera: Camera,
    n_frames: int,
    *,
    seed: int,
    level_adu: float = 25000.0,
    corner_loss: float = 0.4,
    drift: float = 0.19,
) -> list[NDArray[np.uint16]]:
    """Flats whose lamp drifts by ``drift`` from the first to the last."""
    rng = np.random.default_rng(seed)
    light = illumination(Optics(corner_loss=corner_loss), shape=camera.shape) * level_adu * camera.egain_e_per_adu
    levels = Lamp(e_per_s=1.0, drift=drift, jitter=0.0).levels(n_frames, rng=rng)
    return [
        expose(camera, kind=FrameKind.FLAT, exposure_s=1.0, light_e_per_s=light * level, rng=rng) for level in levels
    ]


def take_bias(camera: Camera, n_frames: int, *, seed: int) -> list[NDArray[np.uint16]]:
    rng = np.random.default_rng([seed, 1])
    return [expose(camera, kind=FrameKind.BIAS, exposure_s=0.0, rng=rng) for _ in range(n_frames)]


def measured(
    flats: list[Any], bias: list[Any], *, cfa: str | None = None, mask: NDArray[np.bool_] | None = None
) -> PhotonTransfer:
    shape = flats[0].shape
    darks = TransferFrames(shape, is_flat=False, cfa=cfa, mask=mask).add_all(bias)
    level = darks.levels_adu[0] if darks.levels_adu else 500.0
    light = TransferFrames(shape, is_flat=True, cfa=cfa, mask=mask, pedestal_adu=level).add_all(flats)
    return measure_transfer(light, darks=darks if darks.n_frames else None)


def within(found: Measured | None, true: float, *, errors: float = 4.0, share: float = math.inf) -> bool:
    """True where a number is right within its errors, and these are no larger than ``share``."""
    assert found is not None
    return abs(found.value - true) <= errors * found.error and found.error <= share * true


def read_adu(camera: Camera) -> float:
    return camera.read_noise_e / camera.egain_e_per_adu


@pytest.mark.parametrize(
    "camera",
    [
        MONO,
        dataclasses.replace(MONO, bits=14, sample_step=4, cfa="GBRG", egain_e_per_adu=0.8, read_noise_e=4.0),
        dataclasses.replace(MONO, bits=12, sample_step=16, egain_e_per_adu=0.0625, read_noise_e=1.7, bias_adu=800.0),
        dataclasses.replace(MONO, cfa=X_TRANS, hot_share=0.01, cosmic_rays_per_s=3.0),
        dataclasses.replace(MONO, bias_drift_adu=3.0, egain_e_per_adu=2.0, read_noise_e=13.0, full_well_e=2e5),
    ],
    ids=["mono", "14 bit x4 Bayer", "12 bit x16", "X-Trans with hits", "CCD whose bias drifts"],
)
def test_gain_and_read_noise_are_right_within_their_errors(camera: Camera) -> None:
    """Gain, read noise and step come out for each color, with a lamp that drifts by 1 % between frames."""
    found = measured(take_flats(camera, 20, seed=3), take_bias(camera, 20, seed=3), cfa=camera.cfa)
    assert found.step_adu == camera.sample_step
    assert [plane.color for plane in found.planes] == (["R", "G", "B"] if camera.cfa else [""])
    for plane in found.planes:
        assert within(plane.egain_e_per_adu, camera.egain_e_per_adu, share=0.005)
        assert within(plane.read_noise_adu, read_adu(camera), share=0.005)
        assert within(plane.read_noise_e, camera.read_noise_e, share=0.01)
        assert plane.saturation_adu is None
    assert within(found.egain_e_per_adu, camera.egain_e_per_adu, share=0.002)
    noise = camera_noise(found)
    assert noise is not None
    assert noise.read_noise_e == pytest.approx(camera.read_noise_e, rel=0.02)
    assert noise.step_adu == camera.sample_step
    assert found.planes[0].pedestal_adu == pytest.approx(
        camera.bias_adu, abs=4.0 * camera.bias_drift_adu / 20**0.5 + 0.5
    )


def test_error_bars_are_honest() -> None:
    """Over many sets the errors are as large as said: the standard deviation of the pulls is 1 within its own error."""
    camera = dataclasses.replace(MONO, shape=(96, 96), cosmic_rays_per_s=0.0)
    pulls = []
    for seed in range(60):
        found = measured(take_flats(camera, 6, seed=seed, drift=0.05), take_bias(camera, 6, seed=seed)).planes[0]
        assert found.egain_e_per_adu is not None
        assert found.read_noise_adu is not None
        one, other = found.egain_e_per_adu, found.read_noise_adu
        pulls.append((one.value - camera.egain_e_per_adu) / one.error)
        pulls.append((other.value - read_adu(camera)) / other.error)
    # 120 pulls tell their standard deviation to 6.5 %: three of that.
    assert np.std(pulls) == pytest.approx(1.0, abs=0.2)
    assert abs(np.mean(pulls)) < 3.0 / math.sqrt(len(pulls))


@pytest.mark.parametrize(("noise_steps", "is_told"), [(0.25, False), (0.5, True), (0.7, True)])
@pytest.mark.parametrize("phase", [0.0, 5.0, 8.0])
def test_read_noise_below_the_converters_step(noise_steps: float, is_told: bool, phase: float) -> None:
    """Read noise of half a step is right within its error wherever the bias lies; less is not told, and the gain is."""
    camera = dataclasses.replace(
        MONO, bits=12, sample_step=16, bias_adu=800.0 + phase, bias_pattern_adu=0.1, egain_e_per_adu=0.3,
        read_noise_e=noise_steps * 16 * 0.3, shape=(256, 256),
    )  # fmt: skip
    plane = measured(take_flats(camera, 8, seed=3), take_bias(camera, 8, seed=3)).planes[0]
    assert within(plane.egain_e_per_adu, camera.egain_e_per_adu)
    if is_told:
        assert within(plane.read_noise_adu, read_adu(camera), errors=3.0, share=0.05)
    else:
        assert plane.read_noise_adu is None
        assert plane.reason


def test_changed_illumination_does_no_harm() -> None:
    """A gradient that moves from frame to frame is not taken for noise."""
    rng = np.random.default_rng(5)
    light = illumination(Optics(), shape=MONO.shape) * 10000.0
    tilt = np.linspace(-0.01, 0.01, MONO.shape[1])[None, :]
    flats = [
        expose(MONO, kind=FrameKind.FLAT, exposure_s=1.0, light_e_per_s=light * (1.0 + each * tilt), rng=rng)
        for each in (0.0, 1.0, -1.0, 0.5)
    ]
    found = measured(flats, take_bias(MONO, 4, seed=5))
    assert within(found.egain_e_per_adu, MONO.egain_e_per_adu)


@pytest.mark.parametrize("full_well_e", [16000.0, 90000.0], ids=["full well", "converter"])
def test_saturation_is_found_and_left_out(full_well_e: float) -> None:
    """Where the center is saturated, its level is found, and the rest tells the gain."""
    camera = dataclasses.replace(MONO, full_well_e=full_well_e, shape=(480, 480))
    top = min(full_well_e / camera.egain_e_per_adu + camera.bias_adu, camera.top_adu)
    flats = take_flats(camera, 6, seed=8, level_adu=0.9 * top, corner_loss=0.6, drift=0.02)
    plane = measured(flats, take_bias(camera, 6, seed=8)).planes[0]
    assert plane.saturation_adu == pytest.approx(top, rel=0.002)
    assert within(plane.egain_e_per_adu, camera.egain_e_per_adu)
    assert plane.highest_adu is not None
    assert plane.highest_adu < 0.9 * (top - camera.bias_adu)


def test_saturated_flats_tell_nothing() -> None:
    """Of flats that are wholly saturated no gain is made up; the bias still tells the read noise."""
    flats = [np.full(MONO.shape, 65535, np.uint16)] * 4
    plane = measured(flats, take_bias(MONO, 10, seed=1)).planes[0]
    assert plane.egain_e_per_adu is None
    assert plane.reason
    assert within(plane.read_noise_adu, read_adu(MONO))


def test_without_dark_frames_one_level_tells_nothing() -> None:
    """Flats of one level alone do not tell photon noise from read noise, and it is said so."""
    plane = measured(take_flats(MONO, 4, seed=2, corner_loss=0.0), []).planes[0]
    assert plane.egain_e_per_adu is None
    assert "one level" in plane.reason
    assert camera_noise(measured(take_flats(MONO, 2, seed=2, corner_loss=0.0), [])) is None


def test_without_dark_frames_vignetting_tells_the_gain() -> None:
    """Levels that differ over the frame tell the gain without bias, and no read noise is made up."""
    plane = measured(take_flats(MONO, 10, seed=2, corner_loss=0.7, drift=0.0), []).planes[0]
    assert within(plane.egain_e_per_adu, MONO.egain_e_per_adu, share=0.03)
    assert plane.read_noise_adu is None
    assert plane.reason


def test_two_levels_are_two_runs() -> None:
    """Flats of quite different levels are not compared with each other, and both count."""
    flats = [*take_flats(MONO, 4, seed=1, level_adu=8000.0), *take_flats(MONO, 4, seed=2, level_adu=30000.0)]
    light = TransferFrames(MONO.shape, is_flat=True, pedestal_adu=500.0).add_all(flats)
    assert [run.n_frames for run in light.runs()] == [4, 4]
    plane = measured(flats, take_bias(MONO, 4, seed=1)).planes[0]
    assert within(plane.egain_e_per_adu, MONO.egain_e_per_adu)
    assert plane.curvature is not None
    assert within(dataclasses.replace(plane.curvature, value=plane.curvature.value + 1.0), 1.0)
    assert len(plane.points) == 16


def test_a_bent_response_is_seen() -> None:
    """A response that loses 2 % at the top bends the noise there by about 6 %, and both are told apart from chance."""
    bent = []
    for flat in [*take_flats(MONO, 8, seed=1, level_adu=8000.0), *take_flats(MONO, 8, seed=2, level_adu=40000.0)]:
        above = flat.astype(np.float64) - 500.0
        bent.append((500.0 + above * (1.0 - 0.02 * above / 40000.0)).astype(np.float32))
    curvature = measured(bent, take_bias(MONO, 8, seed=1)).planes[0].curvature
    assert curvature is not None
    assert curvature.value < -5.0 * curvature.error
    # The brightest level is 1.2 times 40000 ADU: vignetting has a mean of 1.
    assert curvature.value == pytest.approx(-0.06 * 1.2, abs=0.02)


def test_mask_and_nan_are_left_out() -> None:
    """Masked pixels and NaN change nothing but how much is known."""
    flats = [flat.astype(np.float32) for flat in take_flats(MONO, 4, seed=4)]
    bias = take_bias(MONO, 4, seed=4)
    mask = np.zeros(MONO.shape, np.bool_)
    mask[40:90, :] = True
    mask[::7, ::5] = True
    rng = np.random.default_rng(1)
    spoiled = []
    for flat in flats:
        other = flat.copy()
        other[mask] = rng.uniform(0.0, 60000.0, int(mask.sum()))
        other[200:204, 100:110] = np.nan
        spoiled.append(other)
    assert within(measured(spoiled, bias, mask=mask).egain_e_per_adu, MONO.egain_e_per_adu)


def test_cells_hold_one_color() -> None:
    """Each cell of a mosaic has pixels of one color, wherever the pattern starts."""
    for cfa in ("RGGB", "GBRG", X_TRANS):
        camera = Camera(name="colors", shape=(100, 110), cfa=cfa)
        grid = cell_grid(camera.shape, cfa=cfa)
        cells = grid.cut(color_image(camera))
        for index, name in enumerate(grid.names):
            assert set(np.unique(cells[grid.color == index])) == {np.float32(camera.color_response["RGB".index(name)])}


def test_large_frames_are_sampled() -> None:
    """Of large frames only some rows of cells are kept, from all over the frame."""
    grid = cell_grid((4000, 320), most_pixels=4000 * 80)
    # A row of cells more, since whole rows are taken.
    assert grid.n_cells * 256 <= 4000 * 80 + 320 * 16
    assert grid.row.min() < 20
    assert grid.row.max() > 3900


@pytest.mark.parametrize(("step", "start"), [(1, 0), (4, 0), (16, 0), (16, 3), (10, 0)])
def test_step_is_found_beside_a_few_odd_values(step: int, start: int) -> None:
    """The converter's step is found whatever it starts from, even if some pixels lie at the top of the range."""
    values = np.random.default_rng(1).integers(20, 120, 40000) * step + start
    values[:10] = 65535
    assert find_step(values) == step
    assert find_step(values + 0.25) == 0.0
    assert find_step(np.full(100, 7)) is None


def test_wrong_shapes_and_patterns_are_refused() -> None:
    """Frames that do not belong together are refused with the reason."""
    light = TransferFrames((64, 64), is_flat=True)
    with pytest.raises(UsageError, match="shape"):
        light.add(np.zeros((64, 65)))
    with pytest.raises(UsageError, match="pattern"):
        TransferFrames((64, 64), is_flat=True, cfa="RGB")
    with pytest.raises(UsageError, match="mask"):
        TransferFrames((64, 64), is_flat=True, mask=np.zeros((3, 3), np.bool_))
    with pytest.raises(UsageError, match="shapes"):
        measure_transfer(light, darks=TransferFrames((80, 64), is_flat=False))


def test_mean_of_numbers_that_disagree_has_a_larger_error() -> None:
    """The mean's error is that of the numbers where they agree, and larger where they do not."""
    agreeing = mean_of([Measured(value=1.0, error=0.1), Measured(value=1.1, error=0.1), None])
    apart = mean_of([Measured(value=1.0, error=0.1), Measured(value=2.0, error=0.1)])
    assert agreeing == Measured(value=pytest.approx(1.05), error=pytest.approx(0.1 / math.sqrt(2)))
    assert apart is not None
    assert apart.error == pytest.approx(0.5)
    assert mean_of([None]) is None


@pytest.fixture(scope="module")
def stl_frames(real_data: Path) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """The STL-1001E's ten dome flats and ten bias frames."""
    from astropy.io import fits

    folder = real_data / "ast443-cgs-bigccd"
    return (
        [fits.getdata(path) for path in sorted(folder.glob("flat-*"))],
        [fits.getdata(path) for path in sorted(folder.glob("biases-*"))],
    )


def test_pairs_of_real_flats_agree(stl_frames: tuple[list[Any], list[Any]]) -> None:
    """Five disjoint pairs of real flats give one gain within their errors; read noise changes by less than 1 %."""
    flats, bias = stl_frames
    found = [measured(flats[first : first + 2], bias[first : first + 2]) for first in range(0, 10, 2)]
    gains = [one.egain_e_per_adu for one in found]
    mean = mean_of(gains)
    assert mean is not None
    # The chi-square of four degrees of freedom exceeds 13.3 once in a hundred.
    assert sum(((one.value - mean.value) / one.error) ** 2 for one in gains if one is not None) < 13.3
    assert mean.value == pytest.approx(1.94, abs=0.01)
    noises = [one.read_noise_adu.value for one in found if one.read_noise_adu is not None]
    assert noises == pytest.approx([6.71] * 5, rel=0.01)


def test_real_set_as_a_whole_agrees_with_its_pairs(stl_frames: tuple[list[Any], list[Any]]) -> None:
    """Dust and light that change over the set do not pass for noise: all frames give the gain of neighbors."""
    flats, bias = stl_frames
    found = measured(flats, bias)
    assert found.egain_e_per_adu is not None
    assert found.egain_e_per_adu.value == pytest.approx(1.934, abs=4 * math.hypot(0.0013, found.egain_e_per_adu.error))
    assert found.egain_e_per_adu.error < 0.002
