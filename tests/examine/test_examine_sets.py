"""Sets of frames: clean ones raise no alarm, and each fault is found and named."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from evenfield.examine.grids import frame_grid, hot_places, pair_noise
from evenfield.examine.series import level_series
from evenfield.examine.set_findings import dark_findings, flat_findings, panel_finding, weak_color_finding
from evenfield.examine.sets import dark_set, flat_set, panel_light
from evenfield.model.findings import Finding
from evenfield.model.frame import FrameKind
from evenfield.model.verdict_limits import VERDICT_LIMITS, verdict_limits

SHAPE = (240, 320)
LIMITS = verdict_limits(())
Change = Callable[[np.ndarray, int], np.ndarray]

ROWS, COLUMNS = np.indices(SHAPE)
R2 = ((ROWS - 120) ** 2 + (COLUMNS - 160) ** 2) / (120**2 + 160**2)
VIGNETTE = 1.0 - 0.3 * R2


def flats(seed: int, n: int, *, change: Change | None = None, level: float = 20000.0) -> tuple[Finding, ...]:
    """The findings about simulated flats above their dark, 1.5 e-/ADU, a lamp that drifts by 1 %."""
    rng = np.random.default_rng(seed)
    response = 1.0 + 0.006 * rng.standard_normal(SHAPE)
    frames = []
    for number in range(n):
        light = level * (1.0 + 0.01 * number / n) * VIGNETTE * response
        light = light if change is None else change(light, number)
        electrons = rng.poisson(light * 1.5) / 1.5 + rng.normal(0.0, 5.0, SHAPE)
        frames.append(np.rint(electrons).astype(np.float32))
    pair = pair_noise(frames[n // 2 - 1], frames[n // 2], cfa=None)
    found = flat_set(
        [frame_grid(frame, cfa=None) for frame in frames],
        pair=pair,
        n_pixels=frames[0].size,
        structure_limit=LIMITS["pattern"],
        columns=SHAPE[1],
    )
    return flat_findings(found, name="flats", files=[f"/n/flat_{n}.fits" for n in range(n)], limits=LIMITS)


def darks(
    seed: int, n: int, *, change: Change | None = None, kind: FrameKind = FrameKind.DARK, dark: float = 4.0
) -> tuple[Finding, ...]:
    """The findings about simulated darks with hot pixels and cosmic rays; the level of the bias wanders a little."""
    rng = np.random.default_rng(seed)
    hot = np.where(rng.random(SHAPE) < 0.005, rng.exponential(400.0, SHAPE), 0.0)
    pattern = 500.0 + rng.normal(0.0, 2.0, SHAPE)
    frames = []
    for number in range(n):
        light = pattern + rng.poisson(dark + hot) + rng.normal(0.0, 5.0, SHAPE) + 0.3 * rng.standard_normal()
        light[tuple(rng.integers(0, 240, (2, 5)))] += 5000.0
        light = light if change is None else change(light, number)
        frames.append(np.rint(light).clip(0, 65535).astype(np.float32))
    places = hot_places(np.median(frames, axis=0).astype(np.float32))
    pair = pair_noise(frames[n // 2 - 1], frames[n // 2], cfa=None)
    found = dark_set(
        [frame_grid(frame, cfa=None, hot=places) for frame in frames],
        pair=pair,
        n_pixels=frames[0].size,
        structure_limit=LIMITS["dark_pattern"] * float(pair.noise.mean()),
    )
    files = [f"/n/dark_{n}.fits" for n in range(n)]
    return dark_findings(found, name="darks", kind=kind, files=files, limits=LIMITS)


def codes(findings: tuple[Finding, ...]) -> set[str]:
    """Their codes."""
    return {one.code for one in findings}


@pytest.mark.parametrize("n", [3, 5, 20])
def test_clean_flats_are_silent(n: int) -> None:
    """Flats of one lamp that drifts a little are alike."""
    assert [flats(seed, n) for seed in range(8)] == [()] * 8


@pytest.mark.parametrize("n", [3, 5, 20])
def test_clean_darks_are_silent(n: int) -> None:
    """Darks with hot pixels, cosmic rays and a bias that wanders by 0.3 ADU are alike."""
    assert [darks(seed, n) for seed in range(8)] == [()] * 8


def test_a_flat_with_another_pattern_is_named() -> None:
    """A hand before the panel in one frame: that frame is named, with what leaves it out."""

    def shade(light: np.ndarray, number: int) -> np.ndarray:
        return light * np.where((number == 4) & (COLUMNS < 80), 0.98, 1.0)

    (found,) = flats(1, 12, change=shade)
    assert found.code == "pattern_apart"
    assert "flat_4.fits does not show" in found.message
    assert found.fix == ("--exclude", "flat_4.fits")


@pytest.mark.parametrize("what", ["gradient", "mote"])
def test_a_pattern_that_changes_is_told(what: str) -> None:
    """A gradient that turns, and dust that comes, over the set."""

    def change(light: np.ndarray, number: int) -> np.ndarray:
        if what == "gradient":
            return light * (1.0 + 0.02 * number / 15 * (COLUMNS / 320 - 0.5))
        near = (ROWS - 100) ** 2 + (COLUMNS - 100) ** 2 < 40**2
        return light * np.where(near & (number > 7), 0.97, 1.0)

    found = flats(2, 15, change=change)
    assert codes(found) == {"pattern_changes"}
    assert ("gradient" in found[0].message) is (what == "gradient")


def test_bands_are_told() -> None:
    """Rows that are brighter and fainter in turns, elsewhere in each frame."""
    found = flats(3, 10, change=lambda light, number: light * (1.0 + 0.006 * np.sin(ROWS / 2.0 + 1.7 * number)))
    assert codes(found) == {"flicker_bands"}


def test_levels_that_drift_are_told() -> None:
    """Twilight: no fault, but told, and named by its shape."""
    (found,) = flats(4, 12, change=lambda light, number: light * 0.9**number)
    assert found.code == "level_drifts"
    assert "dusk" in found.message


@pytest.mark.parametrize(
    ("levels", "shape"),
    [
        ([1.0, 1.0005, 0.9995, 1.0, 1.0002], "steady"),
        (list(1.0 + 0.002 * np.arange(12)), "rising"),
        (list(1.0 - 0.002 * np.arange(12)), "falling"),
        (list(1.0 + 0.05 * np.exp(-np.arange(16) / 1.5)), "settling"),
        (list(1.1 ** np.arange(12)), "dawn"),
        ([1.0, 1.02, 0.99, 1.015, 0.985, 1.02, 0.99, 1.01, 0.98, 1.02], "flickering"),
        ([1.0, 1.0001, 0.9999, 1.0002, 0.8, 1.0, 1.0002, 0.9998, 1.0001, 1.0], "irregular"),
    ],
)
def test_shapes_have_names(levels: list[float], shape: str) -> None:
    """Lamps that warm up, panels that settle, twilight and flicker are told apart."""
    assert level_series(1000.0 * np.array(levels)).shape == shape


def test_a_faint_color_is_told() -> None:
    """The faintest color, with its signal to noise ratio; a mono camera has none."""
    found = weak_color_finding("flats", colors="RGB", signal_to_noise=[30.0, 150.0, 80.0], limits=LIMITS)
    assert found is not None
    assert "red" in found.message
    assert weak_color_finding("flats", colors=[""], signal_to_noise=[30.0], limits=LIMITS) is None
    assert weak_color_finding("flats", colors="RGB", signal_to_noise=[60.0, 150.0, 80.0], limits=LIMITS) is None


def test_a_light_leak_is_named() -> None:
    """Light at one edge of two darks: those frames are named, whatever their level."""
    found = darks(5, 12, change=lambda light, number: light + (number > 9) * 12.0 * (COLUMNS / 320) ** 4)
    assert codes(found) == {"light_leak"}
    assert "dark_10.fits, dark_11.fits" in found[0].message


def test_a_bias_that_wanders_is_told() -> None:
    """Levels that differ by more than noise, with the same pattern: no light leak."""
    found = darks(6, 12, change=lambda light, number: light + 4.0 * (number % 3))
    assert codes(found) == {"level_unstable"}


def test_glow_is_told() -> None:
    """A corner that is brighter than the rest."""
    found = darks(7, 10, change=lambda light, number: light + 60.0 * np.exp(-(ROWS**2 + COLUMNS**2) / 60.0**2))
    assert codes(found) == {"amplifier_glow"}


def test_a_warmer_dark_is_named() -> None:
    """Hot pixels of one frame that have 1.5 times the light of the others'."""

    def warm(light: np.ndarray, number: int) -> np.ndarray:
        return np.where((number == 2) & (light > 600.0), 504.0 + 1.5 * (light - 504.0), light)

    found = darks(8, 10, change=warm)
    assert codes(found) == {"dark_apart"}
    assert "dark_2.fits" in found[0].message
    times = float(found[0].message.split(" times")[0].split()[-1])
    assert times == pytest.approx(1.5, abs=0.05)


def test_an_offset_too_low_is_told() -> None:
    """Pixels at zero."""
    assert codes(darks(9, 5, change=lambda light, number: light - 495.0)) == {"offset_too_low"}


def test_smoothed_frames_are_told() -> None:
    """A camera that averages neighbors."""

    def smooth(light: np.ndarray, number: int) -> np.ndarray:
        del number
        return 0.5 * (light + np.roll(light, 1, axis=1))

    assert "raw_altered" in codes(darks(10, 5, change=smooth))


@pytest.mark.parametrize("share", [0.0, 0.002])
def test_dark_flats_that_saw_the_panel(share: float) -> None:
    """The pattern of the flats in the dark flats, not glow and not noise."""
    rng = np.random.default_rng(11)
    flat = np.stack([frame_grid((20000.0 * VIGNETTE).astype(np.float32), cfa=None).cells[0]])
    glow = 3.0 * np.exp(-(np.arange(16)[:, None] ** 2 + np.arange(16)[None] ** 2) / 8.0)
    dark = 4.0 + share * flat + glow + 0.05 * rng.standard_normal(flat.shape)
    light = panel_light(dark, flat_cells=flat, noise_adu=0.05)
    found = panel_finding(light, name="dark flats", flats="flats", limits=LIMITS)
    assert (found is not None) is (share > 0)
    if found is not None:
        assert light.share == pytest.approx(share, abs=5 * light.error)


def test_limits_can_be_changed() -> None:
    """NAME:NUMBER, later ones win; what is no limit is refused by name."""
    assert verdict_limits(("drift:0.1", "weak-color:20"))["weak_color"] == 20.0
    for wrong in ("colour:3", "drift:much", "drift:0", "drift"):
        with pytest.raises(ValueError, match=r"limit|number"):
            verdict_limits((wrong,))
    assert all(one.default > 0 for one in VERDICT_LIMITS.values())


def test_noise_below_the_step_tells_nothing_of_neighbors() -> None:
    """A quiet camera whose converter has steps of 4 ADU: its noise is that of the steps, and no fault is seen in it."""
    rng = np.random.default_rng(5)
    level = 500.0 + 1.9 * np.sin(np.arange(400.0) / 40.0)[None, :]
    frames = [(4.0 * np.rint((level + rng.normal(0.0, 0.8, (300, 400))) / 4.0)).astype(np.float32) for _ in range(2)]
    found = pair_noise(frames[0], frames[1], cfa=None)
    assert found.correlation == 0.0
    assert found.noise[0] == pytest.approx((frames[0] - frames[1]).std() / 2.0**0.5, rel=0.1)
