"""Every function of MasterFlatMaker's command line has its counterpart; each test names the option it stands for.

The numbers are computed here from that program's definitions (its manual's "Combining Flat frames"), without scaling,
because it has none.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray

F64 = NDArray[np.float64]
PLAIN = ("--scale", "none")


def stack_of(paths: list[Path]) -> F64:
    """The raw frames as one float64 array."""
    return np.stack([fits.getdata(path).astype(np.float64) for path in paths])


def pixels_of(path: str | Path) -> F64:
    """The pixels of a product."""
    return np.asarray(fits.getdata(path), dtype=np.float64)


def median_of(paths: list[Path]) -> F64:
    """The median of frames, in float32 as the file of a master holds it."""
    found: F64 = np.median(stack_of(paths), axis=0).astype(np.float32).astype(np.float64)
    return found


@pytest.fixture
def flats(shooter: Any) -> list[Path]:
    """Nine flats with a hit on one pixel."""
    frames: list[Path] = shooter.take("flat", 9)
    with fits.open(frames[4], mode="update") as file:
        file[0].data[3, 3] = 60000
    return frames


def test_rp_no_precalibration(flats: list[Path], flats_of: Callable[..., Any], shooter: Any) -> None:
    """-rp: --no-precalibration subtracts nothing, though dark flats lie there."""
    shooter.take("dark", 5, kind="DARKFLAT")
    (flat,) = flats_of(shooter.folder, "-o", "m", "--no-precalibration", "--reject", "none", *PLAIN)
    assert flat["masters"] == {}
    assert pixels_of(flat["outputs"][0]) == pytest.approx(stack_of(flats).mean(axis=0), abs=0.01)


def test_p_pedestal(flats: list[Path], flats_of: Callable[..., Any], shooter: Any) -> None:
    """-p VALUE: --pedestal ADU."""
    (flat,) = flats_of(shooter.folder, "-o", "m", "--pedestal", "512.5", "--reject", "none", *PLAIN)
    assert pixels_of(flat["outputs"][0]) == pytest.approx(stack_of(flats).mean(axis=0) - 512.5, abs=0.01)


def test_b_a_fixed_bias_or_dark_file(flats: list[Path], flats_of: Callable[..., Any], shooter: Any) -> None:
    """-b FILE: --calibrate-with FILE subtracts that file."""
    (bias,) = shooter.take("elsewhere/bias", 1, kind="BIAS", EXPTIME=0.0)
    (flat,) = flats_of(*flats, "-o", "m", "--calibrate-with", bias, "--reject", "none", *PLAIN)
    assert flat["masters"] == {"bias": str(bias)}
    wanted = stack_of(flats).mean(axis=0) - pixels_of(bias)
    assert pixels_of(flat["outputs"][0]) == pytest.approx(wanted, abs=0.01)


def test_a_the_best_file_of_a_directory(flats: list[Path], flats_of: Callable[..., Any], shooter: Any) -> None:
    """-a DIR: --calibration DIR, the nearest in temperature and exposure of what fits."""
    shooter.folder, night = shooter.folder.parent / "library", shooter.folder
    near = shooter.take("near", 3, kind="DARK", EXPTIME=2.0, **{"CCD-TEMP": -9.8})
    shooter.take("far", 3, kind="DARK", EXPTIME=2.0, **{"CCD-TEMP": -12.0})
    shooter.take("long", 3, kind="DARK", EXPTIME=2.08)
    shooter.take("binned", 3, kind="DARK", EXPTIME=2.0, XBINNING=2, YBINNING=2)
    (flat,) = flats_of(night, "-o", "m", "--calibration", shooter.folder, "--reject", "none", *PLAIN,
                       "--dark-combine", "median")  # fmt: skip
    wanted = stack_of(flats).mean(axis=0) - median_of(near)
    assert pixels_of(flat["outputs"][0]) == pytest.approx(wanted, abs=0.01)


def test_ar_search_folders_below(flats: list[Path], flats_of: Callable[..., Any], shooter: Any) -> None:
    """-ar: folders below are searched; --calibration-no-recursive is that program's default."""
    shooter.folder, night = shooter.folder.parent / "library", shooter.folder
    shooter.take("a/b/dark", 3, kind="DARKFLAT")
    (flat,) = flats_of(night, "-o", "deep", "--calibration", shooter.folder)
    assert set(flat["masters"]) == {"dark_flat"}
    (flat,) = flats_of(night, "-o", "flat", "--calibration", shooter.folder, "--calibration-no-recursive")
    assert flat["masters"] == {}


def test_ab_only_bias_frames(flats: list[Path], flats_of: Callable[..., Any], shooter: Any) -> None:
    """-ab: --calibration-kinds bias looks at bias alone (that program's GUI: "Dark & Bias files only")."""
    bias = shooter.take("bias", 3, kind="BIAS", EXPTIME=0.0)
    shooter.take("dark", 3, kind="DARKFLAT")
    (flat,) = flats_of(shooter.folder, "-o", "m", "--calibration-kinds", "bias", "--reject", "none",
                       "--dark-combine", "median", *PLAIN)  # fmt: skip
    assert pixels_of(flat["outputs"][0]) == pytest.approx(stack_of(flats).mean(axis=0) - median_of(bias), abs=0.01)


def test_ax_the_search_is_shown(ev: Callable[..., Any], flats: list[Path], shooter: Any) -> None:
    """-ax: the search is shown on request, each set with what decided for or against it."""
    shooter.take("dark", 3, kind="DARKFLAT")
    shooter.take("other", 3, kind="DARKFLAT", GAIN=0)
    ev("plan", shooter.folder, "-o", "m", "--save", "plan.json")
    shown = ev("explain", "plan.json", "--show-search")
    assert shown.code == 0
    words = " ".join(shown.out.split())
    assert "gain setting 100, there 0" in words
    assert len(shown.out) > len(ev("explain", "plan.json").out)


def test_m_mean(flats: list[Path], flats_of: Callable[..., Any], shooter: Any) -> None:
    """-m: --combine mean --reject none."""
    (flat,) = flats_of(shooter.folder, "-o", "m", "--combine", "mean", "--reject", "none", *PLAIN)
    assert pixels_of(flat["outputs"][0]) == pytest.approx(stack_of(flats).mean(axis=0), abs=0.01)


def test_n_median(flats: list[Path], flats_of: Callable[..., Any], shooter: Any) -> None:
    """-n: --combine median --reject none."""
    (flat,) = flats_of(shooter.folder, "-o", "m", "--combine", "median", "--reject", "none", *PLAIN)
    assert pixels_of(flat["outputs"][0]) == pytest.approx(np.median(stack_of(flats), axis=0), abs=0.01)


@pytest.mark.parametrize("times", [1, 2, 4])
def test_mm_min_max_clip(flats: list[Path], flats_of: Callable[..., Any], shooter: Any, times: int) -> None:
    """-mm N: --reject extremes:N drops every instance of the least and the greatest, N times."""
    (flat,) = flats_of(shooter.folder, "-o", "m", "--reject", f"extremes:{times}", *PLAIN)
    stack = stack_of(flats)
    wanted = np.empty(stack.shape[1:])
    for place in np.ndindex(wanted.shape):
        for attempt in range(times, -1, -1):
            column = stack[(slice(None), *place)]
            for _ in range(attempt):
                column = column[(column > column.min()) & (column < column.max())] if column.size else column
            if column.size:
                break
        wanted[place] = column.mean()
    assert pixels_of(flat["outputs"][0]) == pytest.approx(wanted, abs=0.01)


def test_mm_needs_2n_plus_1_frames(ev: Callable[..., Any], flats: list[Path], shooter: Any) -> None:
    """-mm N with fewer than 2 N + 1 files is refused, as in that program."""
    outcome = ev("flats", shooter.folder, "-o", "m", "--reject", "extremes:5", "--json")
    assert (outcome.code, outcome.json["results"][0]["status"]) == (1, "FAILED")
    assert "needs 11 frames" in outcome.json["results"][0]["findings"][-1]["message"]


@pytest.mark.parametrize("limit", [1.0, 2.0, 2.7])
def test_s_sigma_clip(flats: list[Path], flats_of: Callable[..., Any], shooter: Any, limit: float) -> None:
    """-s LIMIT: --reject zscore:LIMIT --limits nominal, once, about the mean, standard deviation with ddof 0."""
    (flat,) = flats_of(shooter.folder, "-o", "m", "--reject", f"zscore:{limit}", "--limits", "nominal", *PLAIN)
    stack = stack_of(flats)
    z = np.abs(stack - stack.mean(axis=0)) / stack.std(axis=0)
    wanted = np.nanmean(np.where(z > limit * (1 + 1e-6), np.nan, stack), axis=0)
    assert pixels_of(flat["outputs"][0]) == pytest.approx(wanted, abs=0.01)
    assert wanted[3, 3] < 40000, "the hit is gone"


def test_gs_group_by_size(flats: list[Path], flats_of: Callable[..., Any], shooter: Any) -> None:
    """-gs: size and binning always part the groups."""
    shooter.take("small", 5, shape=(6, 10))
    shooter.take("binned", 5, XBINNING=2, YBINNING=2)
    made = flats_of(shooter.folder, "-o", "m", "--no-precalibration")
    assert sorted(len(one["inputs"]) for one in made) == [5, 5, 9]


def test_gf_group_by_filter(flats: list[Path], flats_of: Callable[..., Any], shooter: Any) -> None:
    """-gf: --group-by filter; without filter among the keys they meet."""
    shooter.take("red", 5, FILTER="R")
    made = flats_of(shooter.folder, "-o", "a", "--group-by", "filter")
    assert {one["group"]["filter"]: len(one["inputs"]) for one in made} == {"Ha": 9, "R": 5}
    (one,) = flats_of(shooter.folder, "-o", "b", "--join", "filter")
    assert len(one["inputs"]) == 14


@pytest.mark.parametrize(("width", "n_groups"), [("1.0", 3), ("50", 1)])
def test_gt_group_by_temperature(flats_of: Callable[..., Any], shooter: Any, width: str, n_groups: int) -> None:
    """-gt BANDWIDTH: --split temperature --temperature-width; the manual's nine temperatures are three groups."""
    for number, sensor_c in enumerate((0.1, -9.9, -15.07, -0.1, -10, -15, 0, -10.2, -15.2)):
        shooter.take(f"flat{number}", 1, **{"CCD-TEMP": sensor_c})
    made = flats_of(shooter.folder, "-o", "m", "--split", "temperature", "--temperature-width", width,
                    "--no-precalibration")  # fmt: skip
    assert [len(one["inputs"]) for one in made] == [9 // n_groups] * n_groups


def test_mg_minimum_group_size(
    ev: Callable[..., Any], flats: list[Path], flats_of: Callable[..., Any], shooter: Any
) -> None:
    """-mg N: --min-group N leaves out smaller groups, with the reason."""
    red = shooter.take("red", 3, FILTER="R")
    outcome = ev("flats", shooter.folder, "-o", "m", "--min-group", "4", "--json")
    assert outcome.code == 0
    assert [one["group"]["filter"] for one in outcome.json["results"]] == ["Ha"]
    left = [one for one in outcome.json["files"] if one["use"] == "left_out"]
    assert {one["path"] for one in left} == {str(path) for path in red}
    assert {one["reason"] for one in left} == {"only 3 flats in its group"}


def test_od_output_directory(flats: list[Path], flats_of: Callable[..., Any], shooter: Any, tmp_path: Path) -> None:
    """-od DIR: -o DIR receives the masters of all groups; it is made if it is missing."""
    shooter.take("red", 5, FILTER="R")
    made = flats_of(shooter.folder, "-o", tmp_path / "new" / "masters")
    assert {Path(one["outputs"][0]).parent for one in made} == {tmp_path / "new" / "masters"}


def test_v_move_inputs(flats: list[Path], flats_of: Callable[..., Any], shooter: Any) -> None:
    """-v DIR: --move-inputs DIR, after success."""
    flats_of(shooter.folder, "-o", "m", "--move-inputs", "processed")
    assert sorted(path.name for path in (shooter.folder / "processed").iterdir()) == [path.name for path in flats]


def test_t_ignore_type(ev: Callable[..., Any], flats_of: Callable[..., Any], shooter: Any) -> None:
    """-t: --ignore-type takes every file named as a flat; with a folder it is refused and --set is shown."""
    named = [*shooter.take("x", 3, kind="Light Frame", FILTER="Ha"), *shooter.take("y", 3, kind="DARK", FILTER="Ha")]
    (flat,) = flats_of(*named, "-o", "m", "--ignore-type", "--no-precalibration", "--keep-bad-frames")
    assert sorted(flat["inputs"]) == sorted(map(str, named))
    refused = ev("flats", shooter.folder, "-o", "n", "--ignore-type")
    assert refused.code == 2
    assert "--set" in refused.err


def test_o_output_path(flats: list[Path], flats_of: Callable[..., Any], shooter: Any) -> None:
    """-o PATH: -o NAME.fits where one master is made."""
    (flat,) = flats_of(shooter.folder, "-o", "my-flat.fits", "--no-precalibration")
    assert flat["outputs"] == [str(Path("my-flat.fits").absolute())]


def test_table_with_levels(ev: Callable[..., Any], flats: list[Path], shooter: Any) -> None:
    """The GUI's table, sorted by any column, with average ADUs on request: survey --frames --sort level --levels."""
    shooter.take("bright", 1, level=50000.0)
    lines = ev("survey", shooter.folder, "--frames", "--sort", "level", "--levels").lines
    rows = [line.split() for line in lines if ".fits" in line]
    assert rows[-1][0] == "bright_01.fits"
    assert [float(row[-1]) for row in rows] == sorted(float(row[-1]) for row in rows)
    assert len(rows) == 10
