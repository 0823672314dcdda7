"""The cause of bad flats, from the frames of a plan: mono, Bayer and X-Trans."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from frame_files import Edit, Night
from numpy.typing import NDArray

from evenfield.cli.path import plan_paths
from evenfield.cli.request import request_of
from evenfield.cli.screen import ProgressLine
from evenfield.model.causes import Cause, probability_key, ranked_causes
from evenfield.model.frame import FrameKind
from evenfield.model.report import Report
from evenfield.read import ArraySource
from evenfield.run.examining_causes import sampling_of
from evenfield.run.run import run_plan

XTRANS = "GGRGGBGGBGGRBRGRBGGGBGGRGGRGGBRBGBRG"
COLORS = {"R": 0.6, "G": 1.0, "B": 0.45}


def tiled(cfa: str | None, shape: tuple[int, int]) -> NDArray[np.float64]:
    """How much light the pixels of a mosaic get."""
    if cfa is None:
        return np.ones(shape)
    side = round(len(cfa) ** 0.5)
    tile = np.array([COLORS[letter] for letter in cfa]).reshape(side, side)
    return np.tile(tile, (shape[0] // side + 1, shape[1] // side + 1))[: shape[0], : shape[1]]


def exposed(mean: NDArray[np.float64]) -> Edit:
    """Electrons of a mean in ADU, 4 e-/ADU, read with 5 ADU of noise."""

    def edit(pixels: NDArray[Any]) -> NDArray[Any]:
        rng = np.random.default_rng(int(pixels.astype(np.int64).sum()))
        return np.rint(rng.normal(mean, np.sqrt(np.maximum(mean, 0.0) / 4.0 + 25.0))).clip(0, 65535).astype(np.uint16)

    return edit


def examined(folder: Path, cfa: str | None, shape: tuple[int, int], *, dark_share: float, in_flats: float) -> Report:
    """A night whose darks hold a share of the dark signal, and whose flats hold what their dark flats do not."""
    rng = np.random.default_rng(5)
    rows, columns = np.indices(shape)
    away = ((rows - shape[0] / 2) ** 2 + (columns - shape[1] / 2) ** 2) / (shape[0] ** 2 / 4 + shape[1] ** 2 / 4)
    shade = (1.0 - 0.4 * away**2) * tiled(cfa, shape)
    bias = 500.0 + rng.normal(0.0, 4.0, shape[1])[None, :] + np.zeros(shape)
    dark = np.full(shape, 20.0)
    hot = rng.choice(dark.size, dark.size // 200, replace=False)
    dark.flat[hot] += rng.uniform(200.0, 2000.0, hot.size)
    night = Night(folder)
    cards: dict[str, Any] = {"shape": shape, "BAYERPAT": cfa}
    night.flats(4, edit=exposed(bias + in_flats + 30000.0 * shade), **cards)
    night.dark_flats(4, edit=exposed(bias), **cards)
    night.darks(4, edit=exposed(bias + dark_share * dark), **cards)
    lit = exposed(bias + dark + 3000.0 * shade)
    night.take("light", 3, kind="LIGHT", EXPTIME=60.0, FILTER="Ha", edit=lit, **cards)
    return run(night.job("--examine-lights", "3", "--no-report", command="calibrate"))


def run(arguments: Sequence[str]) -> Report:
    request = request_of(arguments)
    plan = plan_paths(
        request.paths, calibration=request.calibration, output=request.output, settings=request.settings,
        progress=ProgressLine(quiet=True), job=request.job,
    )  # fmt: skip
    return run_plan(plan)


@pytest.mark.parametrize(
    ("cfa", "shape"), [(None, (384, 512)), ("RGGB", (512, 640)), (XTRANS, (768, 960))], ids=["mono", "bayer", "xtrans"]
)
def test_hot_pixels_left_in_lights_name_the_exposure(cfa: str | None, shape: tuple[int, int], tmp_path: Path) -> None:
    """Darks with 0.4 of the lights' dark signal are told, with the number, in lights and flat, mosaic or not."""
    report = examined(tmp_path, cfa, shape, dark_share=0.4, in_flats=0.0)
    for kind in (FrameKind.FLAT, FrameKind.LIGHT):
        (result,) = [one for one in report.results if one.kind is kind]
        (told,) = [one for one in result.findings if one.code == "cause_told"]
        assert "2.5 times the light" in told.message
        assert ranked_causes(result.measured)[0][0] is Cause.EXPOSURE_MISMATCH


@pytest.mark.parametrize(("cfa", "shape"), [(None, (384, 512)), ("RGGB", (512, 640))], ids=["mono", "bayer"])
def test_a_clean_night_names_no_cause(cfa: str | None, shape: tuple[int, int], tmp_path: Path) -> None:
    """Where darks and dark flats are those of their frames, "none" is far the likeliest, and nothing is told."""
    report = examined(tmp_path, cfa, shape, dark_share=1.0, in_flats=0.0)
    flat = next(one for one in report.results if one.kind is FrameKind.FLAT)
    assert not [one.code for one in flat.findings if one.code.startswith("cause")]
    assert (flat.measured[probability_key(Cause.NONE)] or 0.0) > 0.9


def test_a_mosaic_is_looked_at_in_its_commonest_color() -> None:
    """Of RGGB every second pixel of the first green; of large frames every so many-th, in whole periods."""
    small = sampling_of((100, 120), cfa="RGGB", most=1_000_000)
    assert (small.top, small.left, small.stride) == (0, 1, 2)
    large = sampling_of((4000, 6000), cfa="RGGB", most=1_000_000)
    assert large.stride % 2 == 0
    assert 4000 * 6000 / large.stride**2 <= 1_000_000
    assert sampling_of((100, 120), cfa=XTRANS, most=1_000_000).stride == 6
    assert sampling_of((100, 120), cfa=None, most=1_000_000).stride == 1


def test_bands_read_the_same_as_whole_frames() -> None:
    """What is kept of a source, read in bands, is what is kept of its pixels."""
    pixels = np.random.default_rng(1).normal(size=(4001, 2000)).astype(np.float32)
    sampling = sampling_of((4001, 2000), cfa="RGGB", most=500_000)
    assert np.array_equal(sampling.read(ArraySource(pixels)), sampling.of(pixels))
