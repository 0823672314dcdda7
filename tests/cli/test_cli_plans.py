"""Plans: shown without making anything, saved, replayed, explained, and refused where they do not hold any more."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evenfield.model.catalogue import CATALOGUE


def digests(folder: str | Path) -> dict[str, str]:
    """The sha256 of every FITS file below a folder, by its path in it."""
    root = Path(folder)
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in root.rglob("*.fits")}


@pytest.mark.parametrize(
    "arguments",
    [["plan"], ["plan", "flats"], ["flats", "--dry-run"], ["plan", "--dry-run"], ["flats", "--dry-run", "--json"]],
    ids=" ".join,
)
def test_dry_run_makes_nothing(
    ev: Callable[..., Any], night: Path, alone: Path, tmp_path: Path, arguments: list[str]
) -> None:
    """A dry run of any command writes no file and no folder, and touches no frame."""
    before = {path: path.stat().st_mtime_ns for path in night.iterdir()}
    assert ev(*arguments, night, "-o", "masters").code == 0
    assert list(alone.iterdir()) == []
    assert {path: path.stat().st_mtime_ns for path in night.iterdir()} == before


def test_dry_run_explains(ev: Callable[..., Any], night: Path) -> None:
    """--dry-run shows the plan and its explanation: what is subtracted, and why."""
    out = ev("flats", night, "-o", "masters", "--dry-run").out
    assert "1 master flat can be made" in out
    assert "minus dark flat 2.00 s: same exposure, gain, offset; 0.0 C apart" in " ".join(out.split())


def test_plan_saved_and_run(ev: Callable[..., Any], night: Path) -> None:
    """``plan --save`` and ``run`` make the very files that ``flats`` makes."""
    ev("flats", night, "-o", "direct")
    saved = ev("plan", night, "-o", "planned", "--save", "plan.json")
    assert saved.code == 0
    assert "evenfield run plan.json" in saved.err
    assert not Path("planned").exists()
    assert ev("run", "plan.json").code == 0
    # The digest of a plan knows no output folder, so the files are equal to the byte.
    assert digests("planned") == digests("direct") != {}


def test_plan_replayed(ev: Callable[..., Any], night: Path) -> None:
    """The plan that lies with the masters can be run again: all is REUSED; without the masters, all is made anew."""
    ev("flats", night, "-o", "masters", "--reject", "sigma:2,2", "--no-preferences")
    first = digests("masters")
    again = ev("run", "masters/plan.json", "--json").json
    assert {one["status"] for one in again["results"]} == {"REUSED"}
    for path in Path("masters").rglob("*.fits"):
        path.unlink()
    assert ev("run", "masters/plan.json").code == 0
    assert digests("masters") == first


def test_a_plan_stores_resolved_settings(ev: Callable[..., Any], night: Path, tmp_path: Path) -> None:
    """A plan made with preferences is run with them, though they have changed meanwhile."""
    preferences = tmp_path / "preferences.toml"
    preferences.write_text('[combine]\nrejection = "minmax:1,1"\n')
    os.environ["EVENFIELD_CONFIG"] = str(preferences)
    ev("plan", night, "-o", "masters", "--save", "plan.json")
    preferences.write_text('[combine]\nmethod = "median"\n')
    ev("run", "plan.json")
    recipe = json.loads(Path("masters/plan.json").read_text())["steps"][-1]["recipe"]
    assert recipe["rejection"] == {"type": "minmax", "n_low": 1, "n_high": 1}
    assert recipe["method"] == "mean"


def test_run_dry(ev: Callable[..., Any], night: Path) -> None:
    """``run --dry-run`` shows what the plan says."""
    ev("plan", night, "-o", "masters", "--save", "plan.json")
    outcome = ev("run", "plan.json", "--dry-run")
    assert outcome.code == 0
    assert "can be made" in outcome.out
    assert not Path("masters").exists()


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda text: text[:-40], "plan.json"),
        (lambda text: "[]", "plan.json"),
        (lambda text: "not json", "plan.json"),
        (lambda text: text.replace('"schema": 1', '"schema": 99', 1), "99"),
        (lambda text: text.replace('"root"', '"roof"', 1), "roof"),
        (lambda text: text.replace('"method": "mean"', '"method": "mode"'), "plan.json"),
    ],
    ids=["cut", "list", "text", "schema", "unknown key", "unknown value"],
)
def test_a_damaged_plan_is_refused(
    ev: Callable[..., Any], night: Path, damage: Callable[[str], str], told: str
) -> None:
    """A plan that is cut, of another schema, with unknown keys or values is refused, naming the file: exit code 2."""
    ev("plan", night, "-o", "masters", "--save", "plan.json")
    path = Path("plan.json")
    path.write_text(damage(path.read_text()))
    outcome = ev("run", "plan.json")
    assert outcome.code == 2
    assert outcome.out == ""
    assert told in outcome.err
    assert not Path("masters").exists()


def test_explain_plan(ev: Callable[..., Any], night: Path, shooter: Any) -> None:
    """``explain plan.json`` tells of each step what it is made of and why, and the runner-up."""
    shooter.take("long", 5, kind="DARK", EXPTIME=2.05)
    shooter.take("gain", 5, kind="DARKFLAT", GAIN=0)
    ev("plan", night, "-o", "masters", "--save", "plan.json")
    outcome = ev("explain", "plan.json")
    assert outcome.code == 0
    words = " ".join(outcome.out.split())
    assert "master_flat_Ha_2026-03-14" in words
    assert "dark flat 2.00 s" in words
    assert "gain setting 100" in words
    assert max(map(len, outcome.lines)) <= 80


def test_explain_one_step(ev: Callable[..., Any], night: Path) -> None:
    """``explain plan.json STEP`` tells of that step alone; an unknown step is a usage error that names the steps."""
    ev("plan", night, "-o", "masters", "--save", "plan.json")
    outcome = ev("explain", "plan.json", "master_dark_flat_2.00s")
    assert outcome.code == 0
    assert "master_dark_flat_2.00s" in outcome.out
    assert len(outcome.out) < len(ev("explain", "plan.json").out)
    unknown = ev("explain", "plan.json", "nothing")
    assert unknown.code in (1, 2)
    assert "nothing" in unknown.err


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_explain_code(ev: Callable[..., Any], code: str) -> None:
    """``explain CODE`` prints what the code means and what to do about it, for every code of the catalogue."""
    outcome = ev("explain", code)
    assert outcome.code == 0
    words = " ".join(outcome.out.split())
    assert code in words
    assert " ".join(CATALOGUE[code].meaning.split()) in words
    assert max(map(len, outcome.lines)) <= 80


def test_explain_master(ev: Callable[..., Any], night: Path) -> None:
    """``explain MASTER.fits`` tells from the file alone how it was made: frames, scales, what was subtracted."""
    ev("flats", night, "-o", "masters")
    alone = Path("elsewhere.fits")
    Path("masters/master_flat_Ha_2026-03-14.fits").rename(alone)
    outcome = ev("explain", alone)
    assert outcome.code == 0
    for number in range(1, 7):
        assert f"flat_{number:02d}.fits" in outcome.out
    assert "verdict: works" in outcome.out
    assert "dark flat: master_dark_flat_2.00s.fits" in outcome.out
    assert "ccd" in outcome.out


@pytest.mark.parametrize("content", [b"", b"SIMPLE", b"\0" * 2880])
def test_explain_what_is_no_master(ev: Callable[..., Any], night: Path, content: bytes) -> None:
    """A raw frame or a broken file is refused with a sentence, not a traceback."""
    Path("broken.fits").write_bytes(content)
    for path in (Path("broken.fits"), night / "flat_01.fits"):
        outcome = ev("explain", path)
        assert outcome.code in (1, 2)
        assert path.name in outcome.err
        assert outcome.out == ""


def test_provenance_is_complete(ev: Callable[..., Any], night: Path) -> None:
    """A master's header holds inputs with content hashes, masters, settings, version and the plan's digest."""
    import xxhash

    from evenfield import __version__, read_provenance

    report = ev("flats", night, "-o", "masters", "--json").json
    told = read_provenance("masters/master_flat_Ha_2026-03-14.fits")
    assert told.version == __version__
    assert told.plan_digest == report["plan_digest"]
    frames = {Path(one.path).name: one.hash for one in told.inputs}
    assert frames == {
        path.name: f"xxh3:{xxhash.xxh3_128_hexdigest(path.read_bytes())}" for path in sorted(night.glob("flat_*"))
    } or frames == {path.name: xxhash.xxh3_128_hexdigest(path.read_bytes()) for path in sorted(night.glob("flat_*"))}
    (master,) = told.masters
    dark = Path("masters/calibration/master_dark_flat_2.00s.fits").read_bytes()
    assert xxhash.xxh3_128_hexdigest(dark) in master.hash


def test_sha256_on_request(ev: Callable[..., Any], night: Path) -> None:
    """--hash sha256 keeps sha256 of the inputs."""
    from evenfield import read_provenance

    ev("flats", night, "-o", "masters", "--hash", "sha256")
    told = read_provenance("masters/master_flat_Ha_2026-03-14.fits")
    for one in told.inputs:
        assert hashlib.sha256((night / Path(one.path).name).read_bytes()).hexdigest() in one.hash


def test_header_of_a_master(ev: Callable[..., Any], shooter: Any) -> None:
    """A master tells other programs its kind, exposure, temperature, filter, binning, settings, CFA and NCOMBINE."""
    from astropy.io import fits

    for number, (exposure, sensor_c) in enumerate([(2.0, -10.2), (2.02, -9.8)] * 3):
        shooter.take(f"flat{number}", 1, EXPTIME=exposure, BAYERPAT="GBRG", ROWORDER="TOP-DOWN",
                     XBINNING=2, YBINNING=2, **{"CCD-TEMP": sensor_c})  # fmt: skip
    ev("flats", shooter.folder, "-o", "masters")
    (path,) = Path("masters").glob("*.fits")
    header = fits.getheader(path)
    assert header["BITPIX"] == -32
    assert header["IMAGETYP"] == "Master Flat"
    assert header["EXPTIME"] == pytest.approx(2.01)
    assert header["CCD-TEMP"] == pytest.approx(-10.0)
    assert (header["FILTER"], header["GAIN"], header["OFFSET"]) == ("Ha", 100, 50)
    assert (header["XBINNING"], header["YBINNING"], header["BAYERPAT"]) == (2, 2, "GBRG")
    assert (header["NCOMBINE"], header["BUNIT"]) == (6, "adu")


def test_plan_of_all_masters(ev: Callable[..., Any], shooter: Any) -> None:
    """``plan masters`` makes a master of every calibration set, needed or not, with flats or without; it can be run."""
    shooter.take("bias", 5, kind="BIAS", EXPTIME=0.0)
    shooter.take("dark", 5, kind="DARK", EXPTIME=300.0)
    alone = ev("plan", "masters", shooter.folder, "-o", "alone", "--json")
    assert alone.code == 0
    assert [step["kind"] for step in alone.json["steps"]] == ["bias", "dark"]
    assert {one["use"] for one in alone.json["files"]} == {"used"}
    shooter.take("flat", 5)
    assert ev("plan", "masters", shooter.folder, "-o", "all", "--save", "p.json").code == 0
    outcome = ev("run", "p.json", "--json")
    assert outcome.code == 0
    assert [(one["kind"], one["status"]) for one in outcome.json["results"]] == [
        ("bias", "DONE"),
        ("dark", "DONE"),
        ("flat", "DONE"),
    ]
    assert {one["use"] for one in outcome.json["files"]} == {"used"}


def test_a_plan_never_holds_a_move_that_cannot_be_done(ev: Callable[..., Any], shooter: Any) -> None:
    """--move-inputs with an unknown placeholder is refused when planning, not after the masters are made."""
    shooter.take("flat", 5)
    outcome = ev("plan", shooter.folder, "-o", "masters", "--move-inputs", "{moon}", "--save", "p.json")
    assert outcome.code == 2
    assert "{moon}" in outcome.err
    assert not Path("p.json").exists()
