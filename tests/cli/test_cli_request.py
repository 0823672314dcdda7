"""A request and its command line say the same, in both directions."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenfield.cli.request import JOBS, Request, arguments_of, command_line, request_of, shell_line, with_fix
from evenfield.errors import EvenfieldError, UsageError
from evenfield.model.rejections import rejection
from evenfield.model.settings import GROUP_KEYS, Settings
from evenfield.store import settings_from, to_plain

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=1, max_size=12)
REJECTIONS = st.sampled_from(
    [
        "none",
        "auto",
        "sigma:2.5,3",
        "minmax:2,1",
        "winsorized:4,3",
        "extremes:2",
        "esd:0.2,0.1",
        "percentile:0.2,0.1",
        "ccd:4,3,read_noise_adu=1.5,egain_e_per_adu=0.25",
    ]
)
NUMBER = st.floats(-9e5, 9e5, allow_nan=False)
KEYS = st.lists(st.sampled_from(GROUP_KEYS), unique=True, max_size=3)

FIELDS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "select": {
        "recursive": st.booleans(),
        "overrides": st.lists(st.sampled_from(["*:kind=flat", "a b*:filter=Hα", "x:exposure_s=2"]), max_size=2),
        "exclude": st.lists(st.sampled_from(["bad*", "n 1/*.fits", "[[]x]_[0-9]?"]), unique=True, max_size=2),
        "without": st.lists(st.sampled_from(["master_flat_Ha", "lights R", "-x"]), unique=True, max_size=2),
        "calibration_recursive": st.booleans(),
        "library": st.none() | TEXT,
    },
    "group": {
        "by": st.none() | KEYS.filter(bool),
        "join": KEYS,
        "split": KEYS,
        "temperature_width": st.floats(0.1, 50.0),
        "min_group": st.integers(1, 100),
        "no_grouping": st.booleans(),
    },
    "calibration": {
        "mode": st.sampled_from(["auto", "none", "pedestal", "inferred"]),
        "pedestal_adu": st.none() | NUMBER,
        "bias": st.none() | st.sampled_from(["500", "64*offset_setting", "-3"]),
        "kinds": st.lists(st.sampled_from(["bias", "dark", "dark_flat"]), min_size=1, unique=True),
        "dark_scale": st.sampled_from(["auto", "exposure", "optimize", "none"]),
        "max_age": st.lists(st.sampled_from(["dark:90", "bias:10"]), unique=True, max_size=2),
        "overscan": st.none() | st.just("header"),
        "trim": st.none() | st.just("[1:20,*]"),
        "allow_mismatch": st.lists(st.sampled_from(["temperature:5", "gain_setting"]), unique=True, max_size=2),
        "use": st.lists(st.sampled_from(["a=b*", "master_flat_Ha=n/d [1]*|x"]), unique=True, max_size=2),
    },
    "combine": {
        "method": st.sampled_from(["mean", "median"]),
        "rejection": REJECTIONS.map(lambda text: to_plain(rejection(text))),
        "dark_method": st.none() | st.sampled_from(["mean", "median"]),
        "dark_rejection": st.none() | REJECTIONS.map(lambda text: to_plain(rejection(text))),
        "limits": st.sampled_from(["corrected", "nominal"]),
        "weights": st.sampled_from(["none", "level"]),
        "scale": st.sampled_from(["auto", "none", "mean", "median"]),
        "level": st.sampled_from(["none", "mean", "median", "scaled-max"]),
        "per_cfa": st.booleans(),
        "keep_bad_frames": st.booleans(),
    },
    "light": {
        "cfa_flat": st.sampled_from(["separate", "joint"]),
        "add_pedestal": st.sampled_from(["none", "auto", "auto:0.001", "100"]),
    },
    "output": {
        "sample": st.sampled_from(["float32", "uint16"]),
        "target": st.sampled_from(["evenfield", "pixinsight", "siril", "app", "nina"]),
        "compress": st.booleans(),
        "tiff": st.sampled_from(["none", "16", "32"]),
        "name": st.sampled_from(["master_flat_{filter}_{night}", "flat {filter}"]),
        "names": st.lists(st.sampled_from(["a=b", "master_flat_Ha=flat α"]), unique=True, max_size=2),
        "overwrite": st.booleans(),
        "hash": st.sampled_from(["xxh3", "sha256"]),
        "maps": st.booleans(),
        "report": st.booleans(),
        "move_inputs": st.none() | st.sampled_from(["done/{date}", "-done"]),
    },
    "examine": {
        "after": st.booleans(),
        "lights": st.none() | st.integers(0, 20),
        "limits": st.lists(st.sampled_from(["drift:0.1", "pattern:0.01"]), unique=True, max_size=2),
    },
    "run": {
        "memory_bytes": st.none() | st.integers(1, 2**40),
        "threads": st.none() | st.integers(1, 64),
        "strict": st.booleans(),
        "fresh": st.booleans(),
    },
}  # fmt: skip


@st.composite
def some_settings(draw: st.DrawFn) -> Settings:
    """Settings with a few values that are not the defaults; contradictions are left out."""
    data = to_plain(Settings())
    names = sorted((part, name) for part, fields in FIELDS.items() for name in fields)
    for part, name in draw(st.lists(st.sampled_from(names), max_size=8, unique=True)):
        data[part][name] = draw(FIELDS[part][name])
    calibration = data["calibration"]
    if calibration["mode"] == "pedestal" and calibration["pedestal_adu"] is None:
        calibration["pedestal_adu"] = draw(NUMBER)
    if calibration["mode"] != "pedestal":
        calibration["pedestal_adu"] = None
    try:
        return settings_from(data, origin="test")
    except EvenfieldError:
        return Settings()


REQUESTS = st.builds(
    Request,
    job=st.sampled_from(sorted(JOBS)),
    paths=st.lists(TEXT, min_size=1, max_size=3).map(tuple),
    calibration=st.lists(TEXT, max_size=2).map(tuple),
    output=TEXT,
    settings=some_settings(),
)


@settings(max_examples=300, deadline=None)
@given(request=REQUESTS)
def test_arguments_read_back_to_the_same_request(request: Request) -> None:
    """Any job with any settings; also after a shell has taken its line apart."""
    assert request_of(arguments_of(request)) == request
    program, *words = taken_apart(command_line(request))
    assert program == "evenfield"
    assert request_of(words) == request


def taken_apart(line: str) -> list[str]:
    """The words of a line, as a shell sees them; only a real one knows what is spelled out with printf."""
    if "$(printf" not in line or os.name == "nt":
        return shlex.split(line)
    done = subprocess.run(["sh", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True)
    return [os.fsdecode(word) for word in done.stdout.split(b"\0")[:-1]]


@pytest.mark.skipif(os.name == "nt", reason="the command is written for a POSIX shell")
def test_names_that_cannot_be_seen_reach_the_command() -> None:
    """A line holds no sign that could get lost on the way, and the shell gives the names back as they were."""
    names = [
        "new\nline", "ends with\n\n", "\n", "tab\t%s {} 100%", "it's \"quoted\"\r", "back\\slash\x1b[0m",
        "--\u202egnp.stif",
        os.fsdecode(b"no utf-8 \xff\xfe"), "$HOME `id` $(id)\x07", "<b>&amp;</b>\u200f", "a\u2028b",
    ]  # fmt: skip
    line = shell_line(["evenfield", *names])
    assert taken_apart(line) == ["evenfield", *names]
    assert line.replace("\n", "").isprintable()


def test_every_setting_has_a_strategy() -> None:
    """A new setting is not forgotten here; two of them go with files that must exist."""
    left_out = {"select.ignore_type", "calibration.files", "calibration.overscan_fit"}
    known = {f"{part}.{name}" for part, fields in FIELDS.items() for name in fields}
    assert known | left_out == {
        f"{part}.{name}"
        for part in Settings.__struct_fields__[1:]
        for name in getattr(Settings(), part).__struct_fields__
    }


def test_a_line_is_as_short_as_can_be() -> None:
    """Defaults are not written; own defaults are asked for where preferences would change them."""
    request = Request(paths=("night/",), output="masters")
    assert command_line(request) == "evenfield flats -o masters night/"
    assert command_line(request, own_defaults=True) == "evenfield flats --no-preferences -o masters night/"


def test_a_fix_is_added_to_what_was_asked() -> None:
    """Corrections are collected, single options replaced; what else was there stays."""
    request = with_fix(Request(paths=("night",)), ("--set", "FLAT_Ha*:kind=flat"))
    request = with_fix(request, ("--set", "FLAT_S*:filter=SII"))
    assert set(request.settings.select.overrides) == {"FLAT_Ha*:kind=flat", "FLAT_S*:filter=SII"}
    request = with_fix(request, ("--join", "night"))
    request = with_fix(request, ("--overwrite",))
    assert (request.settings.group.join, request.settings.output.overwrite) == (("night",), True)
    assert request.paths == ("night",)
    light = with_fix(Request(job="calibrate", paths=("night",)), ("--add-pedestal", "100"))
    assert with_fix(light, ("--add-pedestal", "auto")).settings.light.add_pedestal == "auto"


@pytest.mark.parametrize("words", [[], ["demo"], ["flats", "--nonsense", "x"], ["flats", "--help"], ["flats"],
                                   ["flats", "x", "--pedestal", "3", "--no-precalibration"]])  # fmt: skip
def test_what_is_no_job_is_said(words: list[str]) -> None:
    """Unknown commands and options are errors of ours, and nothing is printed."""
    with pytest.raises(UsageError):
        request_of(words)
