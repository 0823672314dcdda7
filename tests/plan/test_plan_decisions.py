"""What is decided for whole sessions: a table of named cases, each with its masters and its findings."""

from __future__ import annotations

from typing import Any

import pytest

from evenfield.errors import PlanError
from evenfield.model.frame import FrameInfo, FrameKind
from evenfield.model.plan import Plan, Step
from evenfield.model.settings import (
    CalibrationSettings,
    CombineSettings,
    GroupSettings,
    OutputSettings,
    RunSettings,
    SelectSettings,
    Settings,
)
from evenfield.model.survey import Copy
from evenfield.plan.make import make_plan
from evenfield.testing.frames import frame_value, frame_values, survey_value

BIAS, DARK, DARK_FLAT, FLAT, LIGHT = (
    FrameKind.BIAS, FrameKind.DARK, FrameKind.DARK_FLAT, FrameKind.FLAT, FrameKind.LIGHT,
)  # fmt: skip
CCD = {"camera": "SBIG STL-1001E", "gain_setting": None, "offset_setting": None}


def planned(frames: list[FrameInfo], *, survey: dict[str, Any] | None = None, **parts: Any) -> Plan:
    """The plan for some frames; ``parts`` are parts of `Settings`."""
    return make_plan(survey_value(frames, **(survey or {})), output="/out", settings=Settings(**parts))


def flats_of(plan: Plan) -> list[Step]:
    """The steps that make flats."""
    return [step for step in plan.steps if step.kind is FLAT]


def codes(plan: Plan) -> set[str]:
    """The codes of all findings."""
    found = [*plan.findings, *(one for step in plan.steps for one in step.findings)]
    found += [step.refused for step in plan.steps if step.refused]
    return {one.code for one in found}


def uses(plan: Plan) -> dict[str, int]:
    """How many files end in each use."""
    return {use: sum(1 for one in plan.files if one.use == use) for use in sorted({one.use for one in plan.files})}


def auto(**fields: Any) -> dict[str, Any]:
    """Settings of the calibration."""
    return {"calibration": CalibrationSettings(**fields)}


FLATS = frame_values("flat", 20)
DARK_FLATS = frame_values("df", 20, DARK_FLAT)
BIASES = frame_values("bias", 20, BIAS)

# name, frames, settings, how each flat step is calibrated, finding codes that must be among them
CASES: list[tuple[str, list[FrameInfo], dict[str, Any], list[list[str]], set[str]]] = [
    ("dark flats before bias", [*FLATS, *DARK_FLATS, *BIASES], {}, [["dark_flat"]], set()),
    (
        "darks of the flats' exposure",
        [*FLATS, *frame_values("d", 20, DARK, exposure_s=2.0)],
        {},
        [["dark_flat"]],
        set(),
    ),
    ("bias alone", [*FLATS, *BIASES], {}, [["bias"]], set()),
    (
        "bias on a sensor that needs dark flats",
        [*frame_values("f", 20, camera="ASI294MC Pro"), *frame_values("b", 20, BIAS, camera="ASI294MC Pro")],
        {},
        [["bias"]],
        {"bias_on_unstable_sensor"},
    ),
    ("CMOS: a longer dark is not scaled", [*FLATS, *BIASES, *frame_values("d", 20, DARK)], {}, [["bias"]], set()),
    (
        "CCD: a longer dark is scaled before bias",
        [*frame_values("f", 20, **CCD), *frame_values("b", 20, BIAS, **CCD), *frame_values("d", 20, DARK, **CCD)],
        {},
        [["scaled_dark"]],
        {"scaled_dark", "not_compared"},
    ),
    (
        "CMOS: scaled on request",
        [*FLATS, *BIASES, *frame_values("d", 20, DARK)],
        auto(dark_scale="exposure"),
        [["scaled_dark"]],
        {"scaled_dark"},
    ),
    (
        "CCD: not scaled on request",
        [*frame_values("f", 20, **CCD), *frame_values("b", 20, BIAS, **CCD), *frame_values("d", 20, DARK, **CCD)],
        auto(dark_scale="none"),
        [["bias"]],
        set(),
    ),
    (
        "CCD: no bias, no scaling",
        [*frame_values("f", 20, **CCD), *frame_values("d", 20, DARK, **CCD)],
        {},
        [["none"]],
        {"uncalibrated"},
    ),
    ("nothing", FLATS, {}, [["none"]], {"uncalibrated"}),
    (
        "nothing fits",
        [*FLATS, *frame_values("df", 20, DARK_FLAT, gain_setting=0.0)],
        {},
        [["none"]],
        {"uncalibrated", "calibration_left_out"},
    ),
    (
        "a mismatch allowed",
        [*FLATS, *frame_values("df", 20, DARK_FLAT, gain_setting=0.0)],
        auto(allow_mismatch=("gain_setting",)),
        [["dark_flat"]],
        {"mismatch_allowed"},
    ),
    (
        "another mismatch allowed",
        [*FLATS, *frame_values("df", 20, DARK_FLAT, gain_setting=0.0)],
        auto(allow_mismatch=("exposure",)),
        [["none"]],
        {"uncalibrated"},
    ),
    (
        "a mismatch allowed up to a limit",
        [*FLATS, *frame_values("d", 20, DARK, exposure_s=3.0)],
        auto(allow_mismatch=("exposure:1",)),
        [["dark_flat"]],
        {"mismatch_allowed"},
    ),
    (
        "beyond that limit",
        [*FLATS, *frame_values("d", 20, DARK, exposure_s=3.1)],
        auto(allow_mismatch=("exposure:1",)),
        [["none"]],
        {"uncalibrated"},
    ),
    (
        "what fits comes before what is allowed",
        [*FLATS, *DARK_FLATS, *frame_values("near", 20, DARK_FLAT, gain_setting=0.0)],
        auto(allow_mismatch=("gain_setting",)),
        [["dark_flat"]],
        set(),
    ),
    ("only bias asked for", [*FLATS, *DARK_FLATS, *BIASES], auto(kinds=("bias",)), [["bias"]], set()),
    ("only dark flats asked for", [*FLATS, *BIASES], auto(kinds=("dark_flat",)), [["none"]], {"uncalibrated"}),
    ("a pedestal", [*FLATS, *DARK_FLATS], auto(mode="pedestal", pedestal_adu=500.0), [["pedestal"]], set()),
    ("no precalibration", [*FLATS, *DARK_FLATS], auto(mode="none"), [["none"]], {"no_precalibration"}),
    (
        "several exposures, each its own dark flats",
        [
            *FLATS,
            *frame_values("long", 5, exposure_s=5.0),
            *DARK_FLATS,
            *frame_values("dfl", 20, DARK_FLAT, exposure_s=5.0),
        ],
        {},
        [["dark_flat", "dark_flat"]],
        set(),
    ),
    (
        "an exposure without dark flats is left out",
        [*FLATS, *frame_values("long", 5, exposure_s=5.0), *DARK_FLATS],
        {},
        [["dark_flat"]],
        {"no_calibration_fits"},
    ),
    (
        "one kind for the whole group: bias fits all",
        [*FLATS, *frame_values("long", 5, exposure_s=5.0), *DARK_FLATS, *BIASES],
        {},
        [["bias"]],
        set(),
    ),
    (
        "too few would be left",
        [*frame_values("long", 20, exposure_s=5.0), *frame_values("f", 2), *DARK_FLATS],
        {},
        [["none"]],
        {"uncalibrated"},
    ),
    (
        "uncooled and drifting: a set for each part",
        [
            *(frame_value(f"f{i:02}.fits", sensor_c=15 + i / 2, set_c=None) for i in range(21)),
            *(frame_value(f"d{i:02}.fits", DARK_FLAT, sensor_c=15 + i / 4, set_c=None) for i in range(41)),
        ],
        {},
        [["dark_flat"] * 5],
        set(),
    ),
    (
        "no temperature anywhere",
        [*frame_values("f", 9, sensor_c=None, set_c=None), *frame_values("d", 9, DARK_FLAT, sensor_c=None, set_c=None)],
        {},
        [["dark_flat"]],
        {"temperature_unknown"},
    ),
    (
        "gain known on one side",
        [*FLATS, *frame_values("d", 9, DARK_FLAT, gain_setting=None)],
        {},
        [["dark_flat"]],
        {"match_unknown"},
    ),
    (
        "gain told by neither, but by lights",
        [
            *frame_values("f", 9, gain_setting=None),
            *frame_values("d", 9, DARK_FLAT, gain_setting=None),
            frame_value("l.fits", LIGHT),
        ],
        {},
        [["dark_flat"]],
        {"match_unknown"},
    ),
    (
        "a ready master of another program",
        [*FLATS, frame_value("md.fits", DARK_FLAT, is_master=True, n_combined=30, offset_setting=None)],
        {},
        [["dark_flat"]],
        {"match_unknown"},
    ),
    (
        "a ready master without its bias",
        [*FLATS, frame_value("md.fits", DARK_FLAT, is_master=True, contains_bias=False)],
        {},
        [["none"]],
        {"uncalibrated"},
    ),
    (
        "filters and nights apart",
        [*FLATS, *frame_values("r", 9, filter="R"), *frame_values("n", 9, taken_at="2026-03-15T20:00:00"), *DARK_FLATS],
        {},
        [["dark_flat"]] * 3,
        set(),
    ),
    ("few flats", [*FLATS[:3], *DARK_FLATS], {}, [["dark_flat"]], {"few_frames"}),
    ("few dark flats", [*FLATS, *DARK_FLATS[:2]], {}, [["dark_flat"]], {"few_dark_frames"}),
    (
        "filters alike",
        [*FLATS, *frame_values("b", 9, filter="HA"), *DARK_FLATS],
        {},
        [["dark_flat"]] * 2,
        {"filters_alike"},
    ),
    (
        "overscan in the header",
        [*frame_values("f", 9, overscan_section="[1:8,*]"), *DARK_FLATS],
        {},
        [["dark_flat"]],
        {"overscan_ignored"},
    ),
    (
        "overscan asked for, a ready master",
        [*FLATS, frame_value("md.fits", DARK_FLAT, is_master=True)],
        auto(overscan="[1:8,*]"),
        [["dark_flat"]],
        {"match_unknown"},
    ),
]


@pytest.mark.parametrize(
    ("frames", "settings", "hows", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_calibrates_flats(
    frames: list[FrameInfo], settings: dict[str, Any], hows: list[list[str]], expected: set[str]
) -> None:
    """Each session is calibrated as its name says, tells what it must, and accounts for every file."""
    plan = planned(frames, **settings)
    assert [[one.how for one in step.calibrations] for step in flats_of(plan)] == hows
    assert expected <= codes(plan)
    quiet = {"match_unknown", "mismatch_allowed", "uncalibrated", "no_calibration_fits", "bias_on_unstable_sensor"}
    assert not (codes(plan) - expected) & quiet
    assert sorted(use.path for use in plan.files) == sorted(frame.path for frame in frames)


def test_an_uncalibrated_flat_is_marked_and_refused_when_strict() -> None:
    """Where nothing fits, the name says so and the finding names the nearest set; --strict refuses."""
    frames = [*FLATS, *frame_values("d", 20, DARK_FLAT, gain_setting=0.0)]
    (step,) = flats_of(planned(frames))
    assert step.output == "master_flat_Ha_2026-03-14_UNCALIBRATED.fits"
    (told,) = [one for one in step.findings if one.code == "uncalibrated"]
    assert "gain setting 100, there 0" in told.message
    assert told.fix == ("--allow-mismatch", "gain_setting")
    assert told.subject == step.id
    (step,) = flats_of(planned(frames, run=RunSettings(strict=True)))
    assert step.refused is not None
    assert step.refused.code == "uncalibrated"


def test_the_printed_fix_calibrates() -> None:
    """What the finding proposes makes the match, recorded as allowed."""
    frames = [*FLATS, *frame_values("d", 20, DARK_FLAT, gain_setting=0.0)]
    (step,) = flats_of(planned(frames, **auto(allow_mismatch=("gain_setting",))))
    match = step.calibrations[0].match
    assert match is not None
    assert match.allowed == ("gain setting 100, there 0",)
    assert "UNCALIBRATED" not in step.output


def test_number_domains_are_never_proposed_to_be_mixed() -> None:
    """A master in electrons, or raw frames on 0..1, are never offered to flats in ADU as a mismatch to allow."""
    for frame in (
        frame_value("m.fits", DARK_FLAT, is_master=True, number_domain="electron"),
        frame_value("d.fits", DARK_FLAT, number_domain="unit"),
        frame_value("m.fits", DARK_FLAT, is_master=True, number_domain=None),
    ):
        (step,) = flats_of(planned([*FLATS, frame]))
        (told,) = [one for one in step.findings if one.code == "uncalibrated"]
        assert told.fix is None


def test_a_ready_master_on_0_to_1_is_brought_to_adu() -> None:
    """A master that other programs wrote on 0..1 is multiplied by 65535, and the plan says so."""
    ready = frame_value("m.fits", DARK_FLAT, is_master=True, number_domain="unit", n_combined=30)
    (step,) = flats_of(planned([*FLATS, ready]))
    (calibration,) = step.calibrations
    assert calibration.masters["dark_flat"].scale == 65535.0
    assert "master_in_unit_range" in {one.code for one in step.findings}


def test_scaled_dark_follows_each_exposure() -> None:
    """Every exposure has its own factor: flat over dark."""
    frames = [
        *(frame_value(f"f{i}.fits", exposure_s=1.0 + 0.1 * i, **CCD) for i in range(3)),
        *frame_values("d", 9, DARK, exposure_s=90.0, **CCD),
        *frame_values("b", 9, BIAS, **CCD),
    ]
    (step,) = flats_of(planned(frames))
    assert [one.factor for one in step.calibrations] == pytest.approx([1.0 / 90, 1.1 / 90, 1.2 / 90])
    assert [item.calibration for item in step.inputs] == [0, 1, 2]
    assert {role for one in step.calibrations for role in one.masters} == {"dark", "bias"}


def test_flats_of_unknown_exposure_are_told_beside_known_ones() -> None:
    """One flat without exposure among others, all minus the same dark flats, is told by a finding."""
    frames = [*FLATS, frame_value("lost.fits", exposure_s=None), *DARK_FLATS]
    plan = planned(frames)
    (step,) = flats_of(plan)
    assert len(step.inputs) == 21
    assert len(step.calibrations) == 1
    assert "exposure_unknown" in codes(plan)


def test_calibrate_with_gives_each_group_the_file_that_fits() -> None:
    """Of several named files each group takes its own; one that fits none is told; nothing else is used."""
    frames = [
        *FLATS,
        *frame_values("r", 9, filter="R", exposure_s=5.0),
        *DARK_FLATS,
        frame_value("two.fits", DARK_FLAT, is_master=True),
        frame_value("five.fits", DARK_FLAT, is_master=True, exposure_s=5.0),
        frame_value("odd.fits", DARK_FLAT, is_master=True, gain_setting=0.0),
    ]
    named = tuple(f"/session/{name}.fits" for name in ("two", "five", "odd"))
    plan = planned(frames, **auto(mode="files", files=named))
    taken = [step.calibrations[0].masters["dark_flat"].path for step in flats_of(plan)]
    assert taken == ["/session/two.fits", "/session/five.fits"]
    assert "named_file_not_used" in codes(plan)
    assert uses(plan) == {"used": 31, "not_needed": 20, "left_out": 1}


@pytest.mark.parametrize(
    ("fields", "fits"),
    [
        ({"exposure_s": 5.0}, False),
        ({"exposure_s": 2.0}, True),
        ({"kind": None, "exposure_s": None}, True),
        ({"kind": LIGHT}, False),
        ({"kind": FLAT, "is_master": True}, False),
    ],
    ids=["other exposure", "raw", "says nothing", "light", "flat"],
)
def test_calibrate_with_one_file(fields: dict[str, Any], *, fits: bool) -> None:
    """A named file is used raw or ready where it fits, else the group is refused; a light is never subtracted."""
    given = {"kind": DARK_FLAT, **fields}
    frames = [*FLATS, frame_value("it.fits", given.pop("kind"), **given)]
    plan = planned(frames, **auto(mode="files", files=("/session/it.fits",)))
    (step,) = flats_of(plan)
    assert (step.refused is None) == fits
    if not fits:
        assert step.refused is not None
        assert step.refused.code == "file_does_not_fit"


REFUSED: list[tuple[str, list[FrameInfo], dict[str, Any], str]] = [
    ("trim at an odd column", [*frame_values("f", 9, cfa="RGGB")], auto(trim="[2:600,*]"), "odd_trim"),
    ("X-Trans trim at 4", [*frame_values("f", 9, cfa="G" * 36)], auto(trim="[5:600,*]"), "odd_trim"),
    ("trim by header, none there", FLATS, auto(trim="header"), "section_unknown"),
    (
        "overscan by header, in part only",
        [*frame_values("f", 9), *frame_values("g", 9, overscan_section="[1:8,*]")],
        auto(overscan="header"),
        "section_unknown",
    ),
    ("trim outside the frame", FLATS, auto(trim="[1:9999,*]"), "section_unknown"),
    (
        "colors unknown",
        frame_values("f", 9, cfa=None),
        {"combine": CombineSettings(level="mean", per_cfa=True)},
        "cfa_unknown",
    ),
]


@pytest.mark.parametrize(("frames", "settings", "code"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_steps_that_are_refused(frames: list[FrameInfo], settings: dict[str, Any], code: str) -> None:
    """What cannot be done is refused before it runs, with the reason and a mend."""
    (step,) = flats_of(planned(frames, **settings))
    assert step.refused is not None
    assert step.refused.code == code
    assert step.refused.mend


def test_an_odd_trim_has_a_fix_that_works() -> None:
    """The region proposed instead begins at an even pixel and is accepted."""
    frames = frame_values("f", 9, cfa="RGGB")
    (step,) = flats_of(planned(frames, **auto(trim="[2:600,2:400]")))
    assert step.refused is not None
    assert step.refused.fix == ("--trim", "[3:600,3:400]")
    (step,) = flats_of(planned(frames, **auto(trim=step.refused.fix[1])))
    assert step.refused is None
    assert step.trim == (2, 400, 2, 600)


def test_frames_trimmed_to_different_places_never_meet() -> None:
    """Equal sizes left over from different parts of the sensor are not equal."""
    frames = [
        *frame_values("f", 9, trim_section="[1:600,*]"),
        *frame_values("d", 9, DARK_FLAT, trim_section="[9:608,*]"),
    ]
    (step,) = flats_of(planned(frames, **auto(trim="header")))
    assert [one.how for one in step.calibrations] == ["none"]


def test_no_grouping() -> None:
    """One master from all flats, with a warning that names what differs; other sizes are refused."""
    frames = [*FLATS, *frame_values("b", 9, gain_setting=0.0, filter="R"), *DARK_FLATS]
    plan = planned(frames, group=GroupSettings(no_grouping=True), **auto(mode="none"))
    (step,) = flats_of(plan)
    assert len(step.inputs) == 29
    (told,) = [one for one in step.findings if one.code == "mixed_setup"]
    assert "gain setting" in told.message
    with pytest.raises(PlanError, match="624 x 416") as caught:
        planned([*FLATS, *frame_values("s", 9, shape=(208, 312))], group=GroupSettings(no_grouping=True))
    assert caught.value.code == "mixed_sizes"


def test_small_groups_are_left_out_and_told() -> None:
    """Groups below --min-group are left out with a finding; where nothing is left, there is no plan."""
    frames = [*FLATS, *frame_values("r", 3, filter="R"), *DARK_FLATS]
    plan = planned(frames, group=GroupSettings(min_group=4))
    assert [step.group["filter"] for step in flats_of(plan)] == ["Ha"]
    assert uses(plan) == {"used": 40, "left_out": 3}
    assert "small_group" in codes(plan)
    with pytest.raises(PlanError) as caught:
        planned(frames, group=GroupSettings(min_group=40))
    assert caught.value.code == "small_group"


@pytest.mark.parametrize(
    ("frames", "code", "words"),
    [
        ([], "no_frames", "No frames"),
        (DARK_FLATS, "no_flats", "20 dark flats"),
        ([frame_value("b.fits", BIAS)], "no_flats", "1 bias frame"),
        (frame_values("flat", 5, LIGHT, kind_by_name=FLAT), "no_flats", "flat"),
    ],
)
def test_nothing_to_plan(frames: list[FrameInfo], code: str, words: str) -> None:
    """Without flats there is no plan; the error counts what was found and says what to do."""
    with pytest.raises(PlanError) as caught:
        planned(frames)
    assert caught.value.code == code
    assert words in caught.value.message
    assert caught.value.mend


def test_ignore_type_makes_flats_of_the_files_named() -> None:
    """Every file named is a flat, whatever its header says; calibration folders keep their kinds."""
    frames = [*frame_values("f", 9, LIGHT, exposure_s=2.0), *DARK_FLATS]
    survey = {"named": tuple(one.path for one in frames[:9]), "calibration": tuple(one.path for one in DARK_FLATS)}
    plan = planned(frames, survey=survey, select=SelectSettings(ignore_type=True))
    (step,) = flats_of(plan)
    assert len(step.inputs) == 9
    assert step.calibrations[0].how == "dark_flat"


def test_a_single_name_needs_a_single_flat() -> None:
    """NAME.fits names the one flat, and its calibration as well stays apart; of two flats it is refused."""
    survey = survey_value([*FLATS, *DARK_FLATS])
    plan = make_plan(survey, output="/out", single_name="master_dark_flat_2.00s.fits")
    assert len({step.id for step in plan.steps}) == len(plan.steps) == 2
    assert plan.steps[-1].output == "master_dark_flat_2.00s.fits"
    two = survey_value([*FLATS, *frame_values("r", 9, filter="R")])
    with pytest.raises(PlanError) as caught:
        make_plan(two, output="/out", single_name="flat.fits")
    assert caught.value.code == "usage"


def test_a_template_cannot_take_the_name_of_what_it_needs() -> None:
    """A flat called like a calibration master leaves every step its own name."""
    plan = planned([*FLATS, *BIASES], output=OutputSettings(name="master_bias"))
    assert sorted(step.id for step in plan.steps) == ["master_bias", "master_bias-2"]
    assert flats_of(plan)[0].needs == ("master_bias-2",)


SPARE: list[tuple[str, list[FrameInfo], str, str, set[str]]] = [
    (
        "bias of another camera",
        frame_values("x", 5, BIAS, camera="Other"),
        "not_needed",
        "bias of another camera",
        set(),
    ),
    (
        "dark of another size",
        frame_values("x", 5, DARK, exposure_s=2.0, shape=(10, 10)),
        "not_needed",
        "dark of another size",
        set(),
    ),
    ("dark of another exposure", frame_values("x", 5, DARK), "not_needed", "dark of 300 s", set()),
    (
        "dark of another exposure and gain",
        frame_values("x", 5, DARK, gain_setting=0.0),
        "not_needed",
        "dark of 300 s",
        set(),
    ),
    ("spare bias", frame_values("x", 5, BIAS), "not_needed", "bias", set()),
    (
        "dark flat of another exposure",
        frame_values("x", 5, DARK_FLAT, exposure_s=5.0),
        "left_out",
        "exposure 5.00 s (flats have 2.00 s)",
        {"calibration_left_out"},
    ),
    (
        "gain",
        frame_values("x", 5, DARK_FLAT, gain_setting=0.0),
        "left_out",
        "gain 0 (flats have 100)",
        {"calibration_left_out"},
    ),
    (
        "bias offset",
        frame_values("x", 5, BIAS, offset_setting=10.0),
        "left_out",
        "offset 10 (flats have 50)",
        {"calibration_left_out"},
    ),
    (
        "too warm",
        frame_values("x", 5, DARK_FLAT, sensor_c=5.0),
        "left_out",
        "temperature 5.0 C (flats have -10.0 C)",
        {"calibration_left_out"},
    ),
    ("light", frame_values("x", 5, LIGHT), "not_needed", "light", set()),
    (
        "light called flat",
        frame_values("x", 5, LIGHT, kind_by_name=FLAT),
        "left_out",
        "header says Light",
        {"header_says_light"},
    ),
    (
        "light by the user's word",
        frame_values("x", 5, LIGHT, kind_by_name=FLAT, known_from={"kind": "user"}),
        "not_needed",
        "light",
        set(),
    ),
    ("no kind", frame_values("x", 5, None), "left_out", "no kind known", {"no_kind"}),
    ("master flat", frame_values("x", 1, FLAT, is_master=True), "not_needed", "ready master flat", set()),
    (
        "of another program",
        frame_values("x", 5, FLAT, problems=("processed: calibrated by X",)),
        "left_out",
        "calibrated by X",
        set(),
    ),
]


@pytest.mark.parametrize(("more", "use", "reason", "expected"), [c[1:] for c in SPARE], ids=[c[0] for c in SPARE])
def test_why_a_file_is_not_used(more: list[FrameInfo], use: str, reason: str, expected: set[str]) -> None:
    """A file that is not used says why in a short phrase; only near misses have a finding, one for the cause."""
    plan = planned([*FLATS, *DARK_FLATS, *more])
    names = {frame.path for frame in more}
    assert {(one.use, one.reason) for one in plan.files if one.path in names} == {(use, reason)}
    told = [one.code for one in plan.findings]
    assert set(told) == expected
    assert len(told) == len(expected)


def test_many_cameras_do_not_explode_into_findings() -> None:
    """Folders of several cameras have one finding a cause, not one a set."""
    frames = [*FLATS, *DARK_FLATS]
    for number in range(6):
        frames += frame_values(f"cam{number}", 3, BIAS, camera=f"Camera {number}")
        frames += frame_values(f"size{number}", 3, DARK, exposure_s=2.0, shape=(100 + number, 100))
        frames += frame_values(f"gain{number}", 3, DARK_FLAT, gain_setting=0.0, sensor_c=-10.0 + 3 * number)
        frames += frame_values(f"warm{number}", 3, DARK_FLAT, sensor_c=10.0 + 3 * number)
    told = [one for one in planned(frames).findings if one.code == "calibration_left_out"]
    assert len(told) <= 3


def test_copies_are_used_once() -> None:
    """A second copy is left out, and told."""
    survey = survey_value(
        [*FLATS, *DARK_FLATS, frame_value("copy.fits")],
        copies=(Copy(path="/session/copy.fits", original=FLATS[0].path),),
    )
    plan = make_plan(survey, output="/out")
    assert {one.reason for one in plan.files if one.use == "left_out"} == {"second copy of flat_0001.fits"}
    assert "second_copy" in codes(plan)


def test_notes_say_why_masters_are_apart() -> None:
    """The plan says what kept flats apart, and that nights were joined where that was asked for."""
    frames = [*FLATS, *frame_values("n", 9, taken_at="2026-03-15T20:00:00"), *DARK_FLATS]
    assert planned(frames).notes == ("Kept apart by night, dust may have moved (to join: --join night).",)
    (note,) = planned(frames, group=GroupSettings(join=("night",))).notes
    assert "several nights" in note
    assert planned([*FLATS, *DARK_FLATS]).notes == ()


def test_dark_masters_are_never_scaled() -> None:
    """--scale is about flats: bias and darks are combined as they are."""
    plan = planned([*FLATS, *DARK_FLATS], combine=CombineSettings(scale="median"))
    assert [step.recipe.scale for step in plan.steps] == ["none", "median"]


def test_a_single_raw_frame_to_calibrate_with_is_told() -> None:
    """One raw dark named with --calibrate-with is used, and its noise is told."""
    dark = frame_value("one_dark", kind=FrameKind.DARK, exposure_s=2.0)
    survey = survey_value([*frame_values("flat", 6), dark])
    settings = Settings(calibration=CalibrationSettings(mode="files", files=(dark.path,)))

    (step,) = make_plan(survey, output="/out", settings=settings).steps

    assert step.calibrations[0].how == "dark_flat"
    assert "few_dark_frames" in {one.code for one in step.findings}
