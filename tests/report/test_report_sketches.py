"""What is drawn of a frame in small, and of frames over time: pictures the right way up, plots with true numbers."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
from png_reader import shades_of

from evenfield import FrameInfo, Plan, SensorSetup, Settings
from evenfield.examine.sketch import Sketch, sketch_frame
from evenfield.model.frame import FrameKind
from evenfield.model.plots import Plot
from evenfield.model.report import StepResult, StepStatus
from evenfield.model.settings import OutputSettings
from evenfield.report.over_time import over_time
from evenfield.report.save import PAGE, RECORD, report_file
from evenfield.report.sketches import count_picture, cross_sections, flat_says, histogram, picture, radial_profile


def sketch_of(frame: np.ndarray) -> Sketch:
    """A frame in small."""
    values = frame.astype(np.float32)
    return sketch_frame(lambda start, stop: values[start:stop], shape=(values.shape[0], values.shape[1]))


@pytest.fixture
def flat() -> Sketch:
    """A flat whose first rows are dark, with one pixel without a value."""
    frame = np.full((100, 150), 1000.0) + np.random.default_rng(1).normal(0, 5, (100, 150))
    frame[:10] *= 0.5
    frame[50, 20] = np.nan
    return sketch_of(frame)


@pytest.mark.parametrize("top_down", [True, False])
def test_the_right_way_up(flat: Sketch, top_down: bool) -> None:
    """Where the file's first row belongs on top it is there, else at the bottom; a pixel without a value is black."""
    made = picture(flat, title="a", says="b", top_down=top_down, background=0.5)
    gray = shades_of(made.png)
    assert made.shape == gray.shape == (100, 150)
    dark, bright = (gray[:5], gray[-5:]) if top_down else (gray[-5:], gray[:5])
    assert dark.mean() < bright.mean() / 2
    assert gray[50 if top_down else 49, 20] == 0
    assert abs(float(np.median(gray)) - 127) < 10
    where = "50 % top left, 50 % top right, 100 % bottom left" if top_down else "100 % top left, 100 % top right"
    assert where in flat_says(flat, top_down=top_down)


def test_counts_begin_at_black() -> None:
    """A map of counts is shown from 0, so that few are dark; one that is nowhere near 0 from its least value."""
    few = np.zeros((20, 30))
    few[3, 4] = 2.0
    gray = shades_of(count_picture(sketch_of(few), title="a", says="b", top_down=True).png)
    assert gray[3, 4] == 254
    assert np.count_nonzero(gray) == 1
    used = np.full((20, 30), 20.0)
    used[3, 4] = 18.0
    gray = shades_of(count_picture(sketch_of(used), title="a", says="b", top_down=True).png)
    assert gray[3, 4] == 0
    assert np.count_nonzero(gray == 254) == 20 * 30 - 1


def test_histogram_counts_what_there_is(flat: Sketch) -> None:
    """All pixels but the outermost thousandth lie in the bins, which surround the values."""
    plot = histogram(flat, label="ADU")
    (series,) = plot.series
    assert sum(series.y) == pytest.approx(flat.values.size, rel=0.002)
    assert min(series.x) < 500 < 1000 < max(series.x)
    assert plot.log_y
    assert "Half of the pixels are below" in plot.says
    assert histogram(sketch_of(np.full((5, 5), np.nan)), label="ADU").series == ()


def test_profiles_are_relative_to_the_center(flat: Sketch) -> None:
    """Radial profile and sections of a flat are 100 at the center, and there are none of a frame without light."""
    radial, cross = radial_profile(flat), cross_sections(flat, relative=True)
    assert radial is not None
    assert cross is not None
    assert radial.series[0].y[1] == pytest.approx(100.0, abs=0.5)
    by_name = {series.name: series for series in cross.series}
    assert set(by_name) == {"across", "down", "falling diagonal", "rising diagonal"}
    assert by_name["down"].y[0] == pytest.approx(50.0, abs=1.0)
    assert by_name["across"].y[0] == pytest.approx(100.0, abs=1.0)
    nothing = sketch_of(np.full((50, 50), -1.0))
    assert radial_profile(nothing) is None
    assert cross_sections(nothing, relative=True) is None
    dark = cross_sections(sketch_of(np.full((50, 50), 500.0)), relative=False, names=("across",))
    assert dark is not None
    assert set(dark.series[0].y) == {500.0}


def plots_of(
    times: list[str | None], levels: tuple[float | None, ...], temperatures: list[float | None]
) -> tuple[Plot, ...]:
    """The plots over time of a flat with these frames."""
    frames = tuple(
        FrameInfo(
            path=f"/n/{number}", kind=FrameKind.FLAT, setup=SensorSetup(shape=(4, 4)), taken_at=at, sensor_c=warm,
            set_c=-10.0,
        )
        for number, (at, warm) in enumerate(zip(times, temperatures, strict=True))
    )  # fmt: skip
    plan = Plan(version="0", root="/n", output="/o", settings=Settings(), frames=frames, files=(), steps=())
    result = StepResult(
        id="a", status=StepStatus.DONE, kind=FrameKind.FLAT, title="a", group={},
        inputs=tuple(frame.path for frame in frames), levels_adu=levels,
    )  # fmt: skip
    return over_time(plan, [result])["a"]


def test_over_time_in_the_order_of_time() -> None:
    """Frames stand where they were taken, minutes after the first, whatever their order; the set point is marked."""
    level, warm = plots_of(
        ["2026-03-14T19:02:30", "2026-03-14T19:00:00", "2026-03-14T19:01:00.000"],
        (30.0, 10.0, 20.0),
        [-9.9, -10.1, None],
    )
    assert level.series[0].x == (0.0, 1.0, 2.5)
    assert level.series[0].y == (10.0, 20.0, 30.0)
    assert level.x_label == "minutes since 2026-03-14 19:00 UTC"
    assert level.says == "3 frames, from 10 to 30; the first has 10, the last 30."
    assert warm.series[0].y == (-10.1, -9.9)
    assert [mark.at for mark in warm.marks] == [-10.0]
    assert warm.y_least_span == 1.0


def test_over_a_whole_night() -> None:
    """What took more than four hours is told in hours."""
    level, *_ = plots_of(["2026-03-14T19:00:00", "2026-03-15T01:00:00"], (1.0, 2.0), [None, None])
    assert level.series[0].x == (0.0, 6.0)
    assert level.x_label.startswith("hours since")


@pytest.mark.parametrize("times", [[None, None], ["no time", "2026-03-14T19:00:00"], ["2026-03-14T19:00:00", None]])
def test_no_plot_without_two_times(times: list[str | None]) -> None:
    """Fewer than two frames with time and value are no plot."""
    assert plots_of(times, (1.0, 2.0), [1.0, 2.0]) == ()


def test_no_plot_without_levels() -> None:
    """Where no level was measured, as of darks, only temperatures are drawn."""
    (warm,) = plots_of(["2026-03-14T19:00:00", "2026-03-14T19:01:00"], (), [1.0, 2.0])
    assert warm.title == "Temperature of the sensor"
    assert math.isfinite(warm.series[0].y[0])


def test_which_report_is_opened(tmp_path: Path) -> None:
    """The page where it is there and was asked for, else the JSON: an older page is not taken for this run's."""
    plan = Plan(version="0", root="/n", output=str(tmp_path), settings=Settings(), frames=(), files=(), steps=())
    assert Path(report_file(plan)).name == RECORD
    (tmp_path / PAGE).touch()
    assert Path(report_file(plan)).name == PAGE
    without = msgspec.structs.replace(plan, settings=Settings(output=OutputSettings(report=False)))
    assert Path(report_file(without)).name == RECORD
