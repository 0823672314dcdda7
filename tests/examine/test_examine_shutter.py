"""The shadow of a shutter: told from flats of several exposures, and not from twilight or from steady flats."""

from __future__ import annotations

import numpy as np
import pytest

from evenfield.examine.grids import frame_grid, pair_noise
from evenfield.examine.set_findings import shutter_finding
from evenfield.examine.shutter import ShutterShadow, shutter_shadow
from evenfield.model.findings import Finding
from evenfield.model.verdict_limits import verdict_limits

SHAPE = (240, 320)
ROWS, COLUMNS = np.indices(SHAPE)
R2 = ((ROWS - 119.5) ** 2 + (COLUMNS - 159.5) ** 2) / (119.5**2 + 159.5**2)
PLANE = (COLUMNS - 159.5) / 320.0
TWILIGHT = 0.5 * 1.35 ** np.arange(10)


def seen(
    seed: int, *, shutter_s: float = 0.0, exposures: np.ndarray = TWILIGHT, turn: float = 0.0, cfa: str | None = None
) -> ShutterShadow | None:
    """Flats at 20,000 ADU, 1.5 e-/ADU, exposed longer and longer; the sky's gradient grows by ``turn`` over the set."""
    rng = np.random.default_rng(seed)
    vignette = (1.0 - 0.3 * R2) * (1.0 + 0.006 * rng.standard_normal(SHAPE))
    frames = []
    for number, exposure in enumerate(exposures):
        light = 20000.0 * rng.uniform(0.8, 1.2) * vignette * (1.0 - shutter_s * R2 / exposure)
        light = light * (1.0 + turn * PLANE * number / len(exposures))
        frames.append((rng.poisson(light * 1.5) / 1.5 + rng.normal(0.0, 5.0, SHAPE)).astype(np.float32))
    middle = len(frames) // 2
    return shutter_shadow(
        [frame_grid(frame, cfa=cfa) for frame in frames],
        exposures_s=list(exposures),
        pair=pair_noise(frames[middle - 1], frames[middle], cfa=cfa),
        n_pixels=frames[0].size,
        cfa=cfa,
    )


def told(found: ShutterShadow | None) -> Finding | None:
    """What is said of it."""
    return None if found is None else shutter_finding(found, name="flats", limits=verdict_limits(()))


@pytest.mark.parametrize("turn", [0.0, 0.02])
def test_flats_without_shadow_are_silent(turn: float) -> None:
    """Neither noise nor a gradient that grows in twilight is a shutter."""
    assert all(told(seen(seed, turn=turn)) is None for seed in range(20))


@pytest.mark.parametrize("cfa", [None, "RGGB"])
def test_a_shadow_is_told_with_its_time(cfa: str | None) -> None:
    """A shadow of one and a half limits is told, and its time is right within its error."""
    share = 1.5 * 0.001
    seconds = share / float(np.mean(1.0 / TWILIGHT))
    for seed in range(10):
        found = seen(seed, shutter_s=seconds, cfa=cfa)
        assert found is not None
        assert found.seconds == pytest.approx(seconds, abs=4.0 * found.error)
        one = told(found)
        assert one is not None
        assert one.code == "shutter_shadow"
        assert "corners" in one.message


def test_a_shadow_beside_twilight_is_told() -> None:
    """A gradient that grows meanwhile does not hide it."""
    found = seen(1, shutter_s=0.005, turn=0.01)
    assert found is not None
    assert found.least_exposure_s(0.001) == pytest.approx(5.0, abs=4000.0 * found.error)
    assert told(found) is not None


def test_one_exposure_says_nothing() -> None:
    """Flats of one exposure all have the same shadow."""
    assert seen(1, shutter_s=0.01, exposures=np.full(8, 1.0)) is None


def test_what_is_no_ring_is_no_shutter() -> None:
    """A shadow of one edge, which goes with the exposure too, is not called a shutter's ring."""
    edge = np.exp(-COLUMNS / 30.0)
    rng = np.random.default_rng(5)
    frames = [(rng.poisson(30000.0 * (1.0 - 0.01 * edge / exposure)) / 1.5).astype(np.float32) for exposure in TWILIGHT]
    found = shutter_shadow(
        [frame_grid(frame, cfa=None) for frame in frames],
        exposures_s=list(TWILIGHT),
        pair=pair_noise(frames[4], frames[5], cfa=None),
        n_pixels=frames[0].size,
        cfa=None,
    )
    assert found is not None
    assert not found.is_shutter
