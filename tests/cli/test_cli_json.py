"""Every JSON document, key by key: names, types, units, and unknown as null."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evenfield.model.catalogue import CATALOGUE

UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
KINDS = {"bias", "dark", "dark_flat", "flat", "light"}
STATUSES = {"DONE", "REUSED", "SKIPPED", "FAILED", "CANCELLED"}
VERDICTS = {"works", "check", "will not work", "cannot tell"}
LEVELS = {"NOTE", "WARNING", "BLOCKER"}
USES = {"used", "not_needed", "left_out", "unreadable"}
NUMBER = (int, float)


def check_findings(found: list[dict[str, Any]]) -> None:
    """Each finding has its six keys; the code stands in the catalogue; at most three files are named."""
    for one in found:
        assert {"level", "code", "subject", "message", "mend", "fix"} <= set(one)
        assert one["level"] in LEVELS
        assert one["code"] in CATALOGUE
        assert all(isinstance(one[key], str) for key in ("subject", "message", "mend"))
        assert one["message"]
        assert one["mend"]
        fix = one["fix"]
        assert fix is None or (fix and all(isinstance(word, str) for word in fix))
        assert len(re.findall(r"\.fits?\b", one["message"])) <= 3


@pytest.fixture
def mixed(shooter: Any) -> Path:
    """Frames of 12 rows, 20 columns, binned 2 x 1; one with an empty header; one of no use."""
    shooter.take("flat", 3, XBINNING=2, YBINNING=1, BAYERPAT="RGGB", ROWORDER="TOP-DOWN")
    bare = dict.fromkeys(("EXPTIME", "FILTER", "INSTRUME", "GAIN", "OFFSET", "XBINNING", "YBINNING", "CCD-TEMP",
                          "DATE-OBS", "SITELONG"))  # fmt: skip
    shooter.take("mystery", 1, kind=None, **bare)
    (shooter.folder / "broken.fits").write_bytes(b"nothing of the kind")
    folder: Path = shooter.folder
    return folder


def test_survey_json(ev: Callable[..., Any], mixed: Path) -> None:
    """``survey --json`` has the keys that are promised, each with its type and unit."""
    outcome = ev("survey", mixed, "--json")
    document = outcome.json
    assert outcome.code == 0
    assert outcome.err == ""
    assert set(document) == {"schema", "frames", "sets", "unreadable", "findings"}
    assert isinstance(document["schema"], int)
    assert len(document["frames"]) == 4
    flat, mystery = document["frames"][0], document["frames"][3]
    promised = {"path", "kind", "is_master", "shape", "binning", "filter", "exposure_s", "sensor_c", "gain_setting",
                "offset_setting", "camera", "cfa", "taken_at", "known_from"}  # fmt: skip
    assert promised <= set(flat)
    assert flat["path"] == str(mixed / "flat_01.fits")
    assert (flat["kind"], flat["is_master"]) == ("flat", False)
    assert flat["shape"] == [12, 20]
    assert flat["binning"] == [2, 1]
    assert (flat["filter"], flat["camera"], flat["cfa"]) == ("Ha", "Test CMOS", "RGGB")
    assert (flat["exposure_s"], flat["sensor_c"]) == (2.0, -10.0)
    assert (flat["gain_setting"], flat["offset_setting"]) == (100, 50)
    assert UTC.fullmatch(flat["taken_at"])
    assert flat["taken_at"].startswith("2026-03-14T20:01:00")
    assert flat["known_from"]["kind"] == "IMAGETYP"
    assert flat["known_from"]["exposure_s"] == "EXPTIME"
    unknown = ("kind", "binning", "filter", "exposure_s", "sensor_c", "gain_setting", "offset_setting", "camera", "cfa",
               "taken_at")  # fmt: skip
    assert {key: mystery[key] for key in unknown} == dict.fromkeys(unknown)
    assert mystery["shape"] == [12, 20]
    (broken,) = document["unreadable"]
    assert broken["path"] == str(mixed / "broken.fits")
    assert broken["reason"]
    assert [(one["kind"], one["count"]) for one in document["sets"]] == [("flat", 3), (None, 1)]
    assert document["sets"][0]["shape"] == [12, 20]
    check_findings(document["findings"])


def test_survey_levels(ev: Callable[..., Any], mixed: Path) -> None:
    """Levels are null until they are asked for."""
    assert {one["mean_adu"] for one in ev("survey", mixed, "--json").json["frames"]} == {None}
    with_levels = ev("survey", mixed, "--json", "--levels").json["frames"]
    assert all(30000 < one["mean_adu"] < 31000 for one in with_levels)
    assert all(one["level_share"] is None or 0.4 < one["level_share"] < 0.5 for one in with_levels)


def test_survey_csv(ev: Callable[..., Any], mixed: Path) -> None:
    """``survey --csv`` is one line a frame under a head line; what is unknown is empty."""
    rows = list(csv.DictReader(io.StringIO(ev("survey", mixed, "--csv").out)))
    assert len(rows) == 4
    assert rows[0]["path"] == str(mixed / "flat_01.fits")
    assert rows[0]["exposure_s"] == "2.0"
    assert rows[3]["exposure_s"] == ""


def test_survey_sorted(ev: Callable[..., Any], shooter: Any) -> None:
    """``--sort`` orders the frames by what is asked for, unknown values last."""
    for name, exposure in (("a", 3.0), ("b", None), ("c", 1.0), ("d", 2.0)):
        shooter.take(name, 1, EXPTIME=exposure)
    found = ev("survey", shooter.folder, "--json", "--sort", "exposure").json["frames"]
    assert [one["exposure_s"] for one in found] == [1.0, 2.0, 3.0, None]
    assert ev("survey", shooter.folder, "--sort", "exposure").code == 0


def check_files(files: list[dict[str, Any]]) -> None:
    """Each file has its use, code, reason and steps; paths are absolute and occur once."""
    for one in files:
        assert set(one) == {"path", "use", "code", "reason", "steps"}
        assert one["use"] in USES
        assert Path(one["path"]).is_absolute()
        assert one["code"]
        assert one["reason"]
        assert isinstance(one["steps"], list)
    assert len({one["path"] for one in files}) == len(files)


def test_flats_json(ev: Callable[..., Any], night: Path, shooter: Any) -> None:
    """``flats --json`` is the report, key by key."""
    shooter.take("flat_black", 1, level=100.0)
    outcome = ev("flats", night, "-o", "masters", "--json")
    document = outcome.json
    assert outcome.err == ""
    assert {"schema", "exit_code", "results", "files"} <= set(document)
    assert document["exit_code"] == outcome.code == 0
    dark, flat = document["results"]
    for one in (dark, flat):
        assert {"id", "status", "kind", "group", "outputs", "inputs", "excluded", "masters", "measured", "verdict",
                "findings"} <= set(one)  # fmt: skip
        assert one["status"] in STATUSES
        assert one["kind"] in KINDS
        assert one["verdict"] in VERDICTS
        assert all(Path(path).is_absolute() for path in (*one["outputs"], *one["inputs"]))
        assert all(value is None or isinstance(value, NUMBER) for value in one["measured"].values())
        check_findings(one["findings"])
    assert (dark["kind"], dark["status"]) == ("dark_flat", "DONE")
    assert flat["outputs"] == [str(Path("masters/master_flat_Ha_2026-03-14.fits").absolute())]
    assert flat["inputs"] == [str(night / f"flat_{number:02d}.fits") for number in range(1, 7)]
    assert flat["masters"] == {"dark_flat": dark["outputs"][0]}
    assert flat["group"]["shape"] == [12, 20]
    assert flat["group"]["binning"] == [1, 1]
    assert (flat["group"]["filter"], flat["group"]["night"]) == ("Ha", "2026-03-14")
    assert flat["group"]["cfa"] is None
    (out,) = flat["excluded"]
    assert out["path"] == str(night / "flat_black_01.fits")
    assert out["code"] == "bad_level"
    assert "ADU above its dark flat, the others about 30," in out["reason"]
    assert flat["measured"]["level_adu"] == pytest.approx(30200, abs=100)
    check_files(document["files"])
    assert {one["path"] for one in document["files"]} == {str(path) for path in night.iterdir()}
    used = next(one for one in document["files"] if one["path"].endswith("/flat_01.fits"))
    assert used["steps"] == [flat["id"]]
    check_findings(document["findings"])


def test_report_json_in_the_output_folder_is_what_was_printed(ev: Callable[..., Any], night: Path) -> None:
    """``OUT/report.json`` is the document that ``--json`` prints, and ``OUT/plan.json`` the plan."""
    printed = ev("flats", night, "-o", "masters", "--json").json
    assert json.loads(Path("masters/report.json").read_text()) == printed
    plan = json.loads(Path("masters/plan.json").read_text())
    assert plan["digest"] == printed["plan_digest"]


def test_json_without_frames(ev: Callable[..., Any], alone: Path) -> None:
    """Where nothing can be planned, there still is a document: exit code 1, no results, a finding that says why."""
    outcome = ev("flats", alone, "-o", "masters", "--json")
    document = outcome.json
    assert outcome.code == document["exit_code"] == 1
    assert document["results"] == []
    assert [one["code"] for one in document["findings"]] == ["no_frames"]
    check_findings(document["findings"])


def test_json_with_nothing_but_darks(ev: Callable[..., Any], shooter: Any) -> None:
    """No flats among the frames: the files are still accounted for."""
    shooter.take("dark", 2, kind="DARK")
    outcome = ev("flats", shooter.folder, "-o", "masters", "--json")
    assert outcome.code == 1
    assert outcome.json["findings"][0]["code"] == "no_flats"
    assert [one["use"] for one in outcome.json["files"]] == ["not_needed"] * 2
    check_files(outcome.json["files"])


def test_skipped_and_failed_steps_stand_in_the_results(ev: Callable[..., Any], night: Path) -> None:
    """A dark flat that fails is FAILED, the flat that needs it SKIPPED, both with a finding; exit code 1."""
    ev("plan", night, "-o", "masters", "--save", "plan.json", "-q")
    (night / "dark_01.fits").unlink()
    outcome = ev("run", "plan.json", "--json")
    dark, flat = outcome.json["results"]
    assert outcome.code == outcome.json["exit_code"] == 1
    assert (dark["status"], flat["status"]) == ("FAILED", "SKIPPED")
    assert [one["code"] for one in dark["findings"]][-1] == "input_changed"
    assert [one["code"] for one in flat["findings"]][-1] == "needs_failed"
    assert flat["outputs"] == []
    check_files(outcome.json["files"])
    assert {one["use"] for one in outcome.json["files"]} == {"left_out"}


def test_plan_json(ev: Callable[..., Any], night: Path) -> None:
    """``plan --json`` is the plan as it is saved: steps, files, resolved settings."""
    document = ev("plan", night, "-o", "masters", "--json", "--save", "plan.json").json
    assert document == json.loads(Path("plan.json").read_text())
    flat = document["steps"][-1]
    chosen = flat["recipe"]["rejection"]
    assert (chosen["type"], chosen["low"], chosen["high"], chosen["read_noise_adu"]) == ("ccd", 3.0, 3.0, None)
    assert (flat["recipe"]["scale"], flat["recipe"]["level"]) == ("mean", "none")
    check_files(document["files"])


def test_dry_run_json(ev: Callable[..., Any], night: Path) -> None:
    """``flats --dry-run --json`` is one document, and nothing is written."""
    assert ev("flats", night, "-o", "masters", "--dry-run", "--json").json["steps"]
    assert not Path("masters").exists()
