"""Overscan: that of a sound camera is usable, and whatever makes it useless is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from evenfield.examine.overscan import OverscanSet, overscan_fault, overscan_frame, overscan_set
from evenfield.model.frame import FrameKind
from evenfield.model.verdict_limits import verdict_limits
from evenfield.simulate.camera import Camera
from evenfield.simulate.exposure import expose

LIMITS = verdict_limits(())
COLUMNS = 24
CAMERA = Camera(
    name="CCD",
    shape=(400, 320),
    egain_e_per_adu=1.2,
    read_noise_e=8.0,
    bias_adu=1000.0,
    bias_drift_adu=3.0,
    dark_e_per_s=0.05,
    hot_share=0.02,
    full_well_e=100_000.0,
    is_ccd=True,
    overscan_columns=COLUMNS,
)
ROWS = np.arange(400)[:, None]
LIGHT = 20000.0 * (1.0 - 0.3 * ((ROWS - 199.5) / 200.0) ** 2) * np.ones((1, 320))

Change = Callable[[np.ndarray, int], np.ndarray]


def seen(
    kind: FrameKind, seed: int, *, change: Change | None = None, n: int = 8, camera: Camera = CAMERA
) -> OverscanSet:
    """The overscan of simulated frames; ``change`` alters a frame, whose overscan are its last columns."""
    rng = np.random.default_rng(seed)
    frames = []
    for number in range(n):
        exposure = {FrameKind.BIAS: 0.0, FrameKind.DARK: 300.0}.get(kind, 1.0)
        light = LIGHT if kind is FrameKind.FLAT else None
        frame = expose(camera, kind=kind, exposure_s=exposure, light_e_per_s=light, rng=rng).astype(np.float32)
        frames.append(frame if change is None else change(frame, number).astype(np.float32))
    strips = [frame[:, -COLUMNS:] for frame in frames]
    images = [frame[:, -COLUMNS - 1 :: -1] for frame in frames]
    return overscan_set(
        [
            overscan_frame(strip, image=image, least_adu=0.0, most_adu=65535.0)
            for strip, image in zip(strips, images, strict=True)
        ],
        kind=kind,
        overscans=strips,
        images=[image[:, : 4 * COLUMNS] for image in images],
    )


def fault(found: OverscanSet, dark: OverscanSet | None = None) -> str:
    """What is said, or nothing."""
    one = overscan_fault(
        found,
        dark=dark,
        level_limit=LIMITS["overscan_level"],
        light_limit=LIMITS["overscan_light"],
        wander_limit=LIMITS["wander"],
    )
    return "" if one is None else one.what


def edge(values: np.ndarray | float) -> Change:
    """Adds something to the overscan of every frame."""

    def change(frame: np.ndarray, number: int) -> np.ndarray:
        del number
        frame[:, -COLUMNS:] += values
        return frame

    return change


@pytest.mark.parametrize("kind", [FrameKind.BIAS, FrameKind.DARK, FrameKind.FLAT])
@pytest.mark.parametrize("drift", [0.0, 3.0])
def test_a_sound_overscan_is_usable(kind: FrameKind, drift: float) -> None:
    """Whether the bias wanders or not, in bias frames, darks with hot pixels, and flats."""
    camera = dataclasses.replace(CAMERA, bias_drift_adu=drift)
    for seed in range(4):
        dark = seen(FrameKind.BIAS, 100 + seed, camera=camera)
        assert fault(seen(kind, seed, camera=camera), dark) == ""


def test_what_is_left_of_a_wandering_bias_is_little() -> None:
    """The overscan takes a wander of 3 ADU away."""
    found = seen(FrameKind.BIAS, 1)
    assert found.wander > 1.0
    assert found.left < 0.2


def test_a_constant_is_no_overscan() -> None:
    """One value everywhere is no signal."""

    def constant(frame: np.ndarray, number: int) -> np.ndarray:
        del number
        frame[:, -COLUMNS:] = 1000.0
        return frame

    assert "no signal" in fault(seen(FrameKind.BIAS, 1, change=constant))


def test_a_clipped_overscan_is_told() -> None:
    """Values at the floor of the converter say nothing of the level."""
    change = edge(-1000.0)
    assert "cut off" in fault(seen(FrameKind.BIAS, 1, change=lambda frame, number: change(frame, number).clip(0.0)))


def test_another_level_is_told() -> None:
    """At one and a half limits; half a limit is no fault."""
    limit = LIMITS["overscan_level"] * 8.0 / 1.2
    assert "below" in fault(seen(FrameKind.BIAS, 1, change=edge(-1.5 * limit)))
    assert "above" in fault(seen(FrameKind.BIAS, 1, change=edge(1.5 * limit)))
    assert fault(seen(FrameKind.BIAS, 1, change=edge(0.5 * limit))) == ""


def test_another_noise_is_told() -> None:
    """Three times the read noise is not the noise of the converter."""
    rng = np.random.default_rng(1)

    def noisy(frame: np.ndarray, number: int) -> np.ndarray:
        del number
        frame[:, -COLUMNS:] += np.rint(rng.normal(0.0, 20.0, (400, COLUMNS)))
        return frame

    assert "noise" in fault(seen(FrameKind.BIAS, 1, change=noisy))


def test_an_overscan_that_does_not_follow_is_told() -> None:
    """Its level stays while that of the bias wanders; or it wanders while that of the bias stays."""
    rng = np.random.default_rng(2)

    def stays(frame: np.ndarray, number: int) -> np.ndarray:
        del number
        frame[:, -COLUMNS:] = np.rint(rng.normal(1000.0, 6.7, (400, COLUMNS)))
        return frame

    def wanders(frame: np.ndarray, number: int) -> np.ndarray:
        frame[:, -COLUMNS:] += 5.0 * (number % 3)
        return frame

    steady = dataclasses.replace(CAMERA, bias_drift_adu=0.0)
    assert "does not follow" in fault(seen(FrameKind.BIAS, 1, change=stays))
    assert "wanders by itself" in fault(seen(FrameKind.BIAS, 1, change=wanders, camera=steady))


def test_optical_black_is_told() -> None:
    """Columns that collect dark current as the image does have its hot pixels."""
    black = seen(FrameKind.DARK, 1, change=lambda frame, number: np.roll(frame, COLUMNS, axis=1))
    assert "optical black" in fault(black)


@pytest.mark.parametrize("share", [0.00075, 0.05])
def test_light_in_the_overscan_is_told(share: float) -> None:
    """Light of the rows beside it, at one and a half limits, or so much that it is a part of the image."""
    dark = seen(FrameKind.BIAS, 1, n=20)
    lit = seen(FrameKind.FLAT, 2, n=20, change=edge(share * LIGHT[:, :1] / 1.2))
    assert ("part of the image" if share > 0.01 else "holds light") in fault(lit, dark)


def test_charge_that_trails_is_told() -> None:
    """Where it lifts the level: two columns that are bright do not lift the median of 24, half of them do."""
    dark = seen(FrameKind.BIAS, 1)
    trail = np.where(np.arange(COLUMNS) < 14, 20.0, 0.0)
    assert "trails" in fault(seen(FrameKind.FLAT, 2, change=edge(trail)), dark)
    first = np.where(np.arange(COLUMNS) < 2, 300.0, 0.0)
    assert fault(seen(FrameKind.FLAT, 2, change=edge(first)), dark) == ""
