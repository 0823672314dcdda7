"""The pedestal of flats that pixels tell (--pedestal inferred): planned, told, subtracted, recorded, or refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from frame_files import Edit, Night
from numpy.typing import NDArray
from sky_scenes import XTRANS

from evenfield.cli.path import plan_paths
from evenfield.cli.request import request_of
from evenfield.cli.screen import ProgressLine
from evenfield.errors import SettingsError
from evenfield.examine.noise_line import joined
from evenfield.model.findings import FindingLevel
from evenfield.model.plan import Plan
from evenfield.model.report import Report, StepResult, StepStatus
from evenfield.model.settings import CalibrationSettings
from evenfield.plan.digests import stale_steps
from evenfield.plan.estimate import estimate_plan
from evenfield.plan.explain import explain_plan
from evenfield.read import ArraySource
from evenfield.run import pedestal
from evenfield.run.loop import Stack
from evenfield.run.provenance import read_provenance
from evenfield.run.run import run_plan

SHAPE = (360, 480)
BIAS = 500.0
MORE = 2500.0
TRUE = BIAS + MORE
FLAT = "master_flat_Ha_2026-03-14"
RESPONSE = {"R": 0.6, "G": 1.0, "B": 0.75}


def shade(cfa: str | None = None) -> NDArray[np.float64]:
    """Steep vignetting and some dust, with the colors of a mosaic."""
    rows, columns = np.indices(SHAPE)
    y, x = (rows - SHAPE[0] / 2) / (SHAPE[0] / 2), (columns - SHAPE[1] / 2) / (SHAPE[1] / 2)
    light = 1.0 - 0.4 * ((y * y + x * x) / 2.0) ** 2
    for row, column in ((60, 90), (100, 380), (180, 200), (260, 60), (300, 420)):
        light -= 0.06 / (1.0 + np.exp((np.hypot(rows - row, columns - column) - 22.0) / 2.0))
    if cfa is not None:
        side = int(len(cfa) ** 0.5)
        light *= np.array([RESPONSE[cfa[(y % side) * side + x % side]] for y, x in np.ndindex(SHAPE)]).reshape(SHAPE)
    return light


def lit(level: float, light: NDArray[np.float64], *, more: float = 0.0) -> Edit:
    """Light of a level behind a shade above the bias, 4 e-/ADU; each frame with pixels of its own."""

    def edit(pixels: NDArray[Any]) -> NDArray[Any]:
        rng = np.random.default_rng(int(pixels.astype(np.int64).sum()))
        made = rng.poisson(level * light * 4.0) / 4.0 + rng.normal(BIAS, 5.0, SHAPE)
        return np.rint(made + more).clip(0, 65535).astype(np.uint16)

    return edit


def flats_and_lights(night: Night, *, cfa: str | None = None, filter: str = "Ha", sky: float = 20000.0) -> None:
    """Flats without dark flats that hold 3000 ADU beside light, and lights."""
    cards: dict[str, Any] = {"shape": SHAPE, "FILTER": filter, "BAYERPAT": cfa}
    night.take(f"flat_{filter}", 6, edit=lit(30000.0, shade(cfa), more=MORE), **cards)
    if sky:
        light = {"kind": "LIGHT", "EXPTIME": 60.0, **cards}
        night.take(f"light_{filter}", 6, edit=lit(sky, shade(cfa)), **light)


def darks(night: Night, **cards: Any) -> None:
    """The darks of the lights."""
    night.darks(6, shape=SHAPE, **cards)


def plan_of(night: Night, *options: str, command: str = "calibrate") -> Plan:
    """The plan of a command over a night, as the command line makes it."""
    request = request_of(night.job("--no-report", *options, command=command))
    return plan_paths(
        request.paths,
        calibration=request.calibration,
        output=request.output,
        settings=request.settings,
        progress=ProgressLine(quiet=True),
        job=request.job,
    )


INFERRED = ("--pedestal", "inferred")


def result(report: Report, name: str = FLAT) -> StepResult:
    """The result of a step."""
    return next(one for one in report.results if one.id == name)


def codes(one: StepResult) -> set[str]:
    """The codes of a step's findings."""
    return {told.code for told in one.findings}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Night, Plan, Report]:
    """A night whose flats were rescued."""
    night = Night(tmp_path_factory.mktemp("pedestal"))
    flats_and_lights(night)
    darks(night)
    plan = plan_of(night, *INFERRED)
    return night, plan, run_plan(plan)


def test_the_plan_says_what_will_tell(made: tuple[Night, Plan, Report]) -> None:
    """A plan names the frames that will tell the pedestal, knows no number, and needs the masters of the lights."""
    _, plan, _ = made
    step = plan.step(FLAT)
    assert step is not None
    assert step.told_by is not None
    assert [(one.how, one.pedestal_adu) for one in step.calibrations] == [("inferred", None)]
    assert [len(one.inputs) for one in step.told_by.lights] == [6]
    assert len(step.told_by.darks) == 6
    assert "master_dark_60s" in step.needs
    assert not stale_steps(plan)
    text = " ".join(explain_plan(plan).split())
    assert "minus a pedestal to be inferred from 6 flats and 6 lights" in text
    assert "the read noise from 6 darks" in text
    assert {use.use for use in plan.files} == {"used"}


def test_the_estimate_counts_what_tells(made: tuple[Night, Plan, Report]) -> None:
    """Flats are read twice as often, and once more in pairs; darks and lights that tell are read too."""
    _, plan, _ = made
    size = plan.frames[0].size_bytes
    (one,) = [step for step in estimate_plan(plan).steps if step.id == FLAT]
    assert one.bytes_to_read == (5 * 6 + 6 + 6) * size


def test_the_number_is_right_and_recorded(made: tuple[Night, Plan, Report]) -> None:
    """The pedestal lies within 4 of its errors and within what is promised, and is recorded where it is looked for."""
    _, _, report = made
    one = result(report)
    value, error = one.measured["inferred_pedestal_adu"], one.measured["inferred_pedestal_error_adu"]
    assert value is not None
    assert error is not None
    assert abs(value - TRUE) < min(4.0 * error, 0.02 * TRUE)
    assert error < 0.01 * TRUE
    assert one.status is StepStatus.DONE
    (told,) = [told for told in one.findings if told.code == "pedestal_inferred"]
    assert told.level is FindingLevel.WARNING
    assert f"{value:.0f} ± {error:.1f} ADU" in told.message
    path = one.outputs[0]
    header = fits.getheader(path)
    assert header["EVFPEDST"] == pytest.approx(value)
    assert header["EVFBIAS"] is False
    provenance = read_provenance(path)
    assert {record.shift_adu for record in provenance.inputs} == {value}
    assert any(f"{value:.1f} +- {error:.1f} ADU" in text for text in provenance.because)
    assert {one.status for one in report.results} == {StepStatus.DONE}
    assert report.exit_code == 0


def test_it_is_what_the_number_would_make(made: tuple[Night, Plan, Report], tmp_path: Path) -> None:
    """The master is that of --pedestal with the same number, to the bit."""
    night, _, report = made
    one = result(report)
    again = Night(tmp_path)
    again.folder = night.folder
    by_hand = run_plan(plan_of(again, f"--pedestal={one.measured['inferred_pedestal_adu']!r}", command="flats"))
    pixels = [fits.getdata(path) for path in (one.outputs[0], by_hand.results[0].outputs[0])]
    assert np.array_equal(pixels[0], pixels[1])


@pytest.mark.parametrize("threads", ["1", "2"])
def test_threads_and_memory_change_nothing(made: tuple[Night, Plan, Report], tmp_path: Path, threads: str) -> None:
    """Products are equal to the byte whatever the threads and the memory."""
    night, _, report = made
    again = Night(tmp_path)
    again.folder = night.folder
    other = run_plan(plan_of(again, *INFERRED, "--threads", threads, "--memory", "300MB"))
    assert Path(result(other).outputs[0]).read_bytes() == Path(result(report).outputs[0]).read_bytes()


def test_used_again_with_its_number(made: tuple[Night, Plan, Report]) -> None:
    """The same plan is REUSED and still tells the number; another number finds the product in its way."""
    night, plan, report = made
    again = run_plan(plan)
    assert {one.status for one in again.results} == {StepStatus.REUSED}
    assert result(again).measured["inferred_pedestal_adu"] == result(report).measured["inferred_pedestal_adu"]
    assert "pedestal_inferred" in codes(result(again))
    other = run_plan(plan_of(night, "--pedestal", "3000", command="flats"))
    assert [one.status for one in other.results] == [StepStatus.FAILED]
    assert "output_exists" in codes(other.results[0])


def test_what_tells_is_part_of_the_digest(tmp_path: Path) -> None:
    """One more light, or other darks, and the flat is another product."""
    night = Night(tmp_path)
    flats_and_lights(night)
    darks(night)
    first = plan_of(night, *INFERRED)
    night.take("light_more", 1, kind="LIGHT", EXPTIME=60.0, shape=SHAPE, edit=lit(20000.0, shade()), FILTER="Ha")
    second = plan_of(night, *INFERRED)
    night.bias(4, shape=SHAPE)
    third = plan_of(night, *INFERRED)
    steps = [plan.step(FLAT) for plan in (first, second, third)]
    assert len({step.digest for step in steps if step is not None}) == 3
    assert steps[2] is not None
    assert steps[2].told_by is not None
    assert steps[2].told_by.darks_kind == "bias"
    assert not stale_steps(third)


@pytest.mark.parametrize("cfa", ["RGGB", XTRANS])
def test_mosaics(tmp_path: Path, cfa: str) -> None:
    """Every color tells the pedestal, and one number is subtracted from all."""
    night = Night(tmp_path)
    flats_and_lights(night, cfa=cfa)
    darks(night, BAYERPAT=cfa)
    one = result(run_plan(plan_of(night, *INFERRED, "--no-examine")))
    value, error = one.measured["inferred_pedestal_adu"], one.measured["inferred_pedestal_error_adu"]
    assert value is not None
    assert error is not None
    assert abs(value - TRUE) < min(4.0 * error, 0.02 * TRUE)
    for color in "RGB":
        of_color = one.measured[f"inferred_pedestal_{color}_adu"]
        its_error = one.measured[f"inferred_pedestal_{color}_error_adu"]
        assert of_color is not None
        assert its_error is not None
        assert abs(of_color - TRUE) < 4.0 * its_error
        assert its_error > error


def test_refused_where_nothing_tells_and_the_rest_goes_on(tmp_path: Path) -> None:
    """Flats whose lights tell too little are not made, nor are their lights calibrated; all others are."""
    night = Night(tmp_path)
    flats_and_lights(night)
    flats_and_lights(night, filter="OIII", sky=20.0)
    darks(night)
    report = run_plan(plan_of(night, *INFERRED, "--no-examine"))
    assert result(report).status is StepStatus.DONE
    refused = result(report, "master_flat_OIII_2026-03-14")
    assert refused.status is StepStatus.FAILED
    (told,) = [one for one in refused.findings if one.level is FindingLevel.BLOCKER]
    assert told.code == "pedestal_not_inferred"
    assert "is needed" in told.message
    assert not refused.outputs
    assert result(report, "lights_OIII_2026-03-14").status is StepStatus.SKIPPED
    assert result(report, "lights_Ha_2026-03-14").status is StepStatus.DONE
    assert report.exit_code == 1
    assert not list(night.output.glob("*OIII*.fits"))


def test_flats_alone_are_refused_with_what_would_help(tmp_path: Path) -> None:
    """The noise of flats of one level is not enough; the mend names the command whose lights would tell."""
    night = Night(tmp_path)
    flats_and_lights(night, sky=0.0)
    night.bias(6, shape=SHAPE)
    report = run_plan(plan_of(night, *INFERRED, command="flats"))
    (told,) = [one for one in report.results[0].findings if one.level is FindingLevel.BLOCKER]
    assert told.code == "pedestal_not_inferred"
    assert "evenfield calibrate" in told.mend


def test_dark_flats_do_not_count(tmp_path: Path) -> None:
    """As with a number, nothing is looked for that flats would lose; lights find their darks all the same."""
    night = Night(tmp_path)
    flats_and_lights(night)
    darks(night)
    night.dark_flats(6, shape=SHAPE)
    plan = plan_of(night, *INFERRED)
    assert [one.how for one in plan.steps[-1].calibrations] == ["inferred"]
    assert [one.how for light in plan.lights for one in light.calibrations] == ["dark"]


def test_lights_without_darks_do_not_tell(tmp_path: Path) -> None:
    """The sky of lights that still hold their bias says nothing of the flat's."""
    night = Night(tmp_path)
    flats_and_lights(night)
    plan = plan_of(night, *INFERRED)
    assert plan.lights[0].flat is None
    assert plan.step(FLAT) is None or plan.step(FLAT).told_by.lights == ()


def test_contradictions() -> None:
    """A bias that is a number and a pedestal that is told exclude each other; a number needs its own mode."""
    with pytest.raises(SettingsError, match="--bias"):
        CalibrationSettings(mode="inferred", bias="500")
    with pytest.raises(SettingsError, match="go together"):
        CalibrationSettings(mode="inferred", pedestal_adu=500.0)


def light_of(color: str, cfa: str | None) -> float:
    """The mean light of a color relative to the brightest pixel."""
    here = np.ones(SHAPE, np.bool_)
    if cfa is not None:
        side = int(len(cfa) ** 0.5)
        here = np.array([cfa[(y % side) * side + x % side] == color for y, x in np.ndindex(SHAPE)]).reshape(SHAPE)
    return float(shade(cfa)[here].mean())


def pairs_stack(frames: Sequence[NDArray[np.float32]]) -> Stack:
    """A stack of arrays."""
    return Stack(
        sources=tuple(map(ArraySource, frames)), subtractions=(), which=(-1,) * len(frames), shifts=(0.0,) * len(frames)
    )


@pytest.mark.parametrize("cfa", [None, "RGGB", XTRANS])
def test_bands_of_pairs_tell_the_same(cfa: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flats that are compared in bands of rows have the colors where they are: e-/ADU of every color is right."""
    rng = np.random.default_rng(3)
    light = 20000.0 * shade(cfa)
    frames = [(rng.poisson(light * 2.0) / 2.0 + rng.normal(BIAS, 4.0, SHAPE)).astype(np.float32) for _ in range(2)]
    for pixels, least in ((1 << 22, 1), (1 << 14, 4)):
        monkeypatch.setattr(pedestal, "BAND_PIXELS", pixels)
        bands = pedestal._pair_points((0, 1), pairs_stack(frames), [None, None], cfa)
        assert len(bands) >= least
        for color in joined(bands):
            level = np.average(color.level, weights=color.degrees) - BIAS
            variance = np.average(color.variance, weights=color.degrees) - 16.0
            assert level / variance == pytest.approx(2.0, rel=4.0 * (2.0 / color.degrees.sum()) ** 0.5)
            assert level == pytest.approx(20000.0 * light_of(color.color, cfa), rel=0.01)
