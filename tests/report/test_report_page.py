"""The page of a report: what it says first, that all is on it, that nothing from outside is obeyed, and its weight."""

from __future__ import annotations

import dataclasses
import itertools
import re
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from page_checks import PageReader, page_faults

from evenfield import FindingLevel, Plan, Report, Settings, make_plan, run_plan, survey_folders
from evenfield.model.catalogue import CATALOGUE, finding
from evenfield.model.causes import Cause, probability_key
from evenfield.model.frame import FrameKind
from evenfield.model.literal import literal
from evenfield.model.plan import Excluded, FileUse
from evenfield.model.plots import Plot, Series
from evenfield.model.report import LightRecord, StepResult, StepStatus, Verdict
from evenfield.model.settings import OutputSettings
from evenfield.report.page import STYLE, report_page
from evenfield.report.pictures import look_at
from evenfield.report.words import headline
from evenfield.simulate import cmos_camera, example_night, osc_night, simulate_night

HOSTILE = (
    "<b>bold</b>", "<script>alert(1)</script>", "a\nb", "\u202egnp.exe", "x" * 200, "\"'><img src=x onerror=y>",
    "&amp;", "\udcff", "]]>", "</style>", "<!--", "\x00\x07",
)  # fmt: skip


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Report]:
    """A plan and its report: two filters with lights, small frames, with maps."""
    whole = example_night()
    recipe = dataclasses.replace(
        whole,
        camera=cmos_camera(shape=(24, 32)),
        filters=tuple(dataclasses.replace(each, n_flats=5, n_lights=2) for each in whole.filters),
        n_dark_flats=5,
        n_bias=2,
        n_darks=5,
    )
    folder = tmp_path_factory.mktemp("page")
    simulate_night(folder / "night", recipe=recipe)
    settings = Settings(output=OutputSettings(maps=True))
    survey = survey_folders([folder / "night"], settings=settings)
    plan = make_plan(survey, output=str(folder / "out"), settings=settings, job="calibrate")
    return plan, run_plan(plan)


def changed(report: Report, *, kind: FrameKind = FrameKind.FLAT, **changes: Any) -> Report:
    """The report with the first result of a kind changed."""
    at = next(index for index, one in enumerate(report.results) if one.kind is kind)
    results = list(report.results)
    results[at] = msgspec.structs.replace(results[at], **changes)
    return msgspec.structs.replace(report, results=tuple(results))


def flats(*verdicts: Verdict | StepStatus) -> Report:
    """A report of flats called A, B, ... that ended so."""
    results = []
    for letter, one in zip("ABCDEFGH", verdicts, strict=False):
        is_made = isinstance(one, Verdict)
        results.append(
            StepResult(
                id=f"master_flat_{letter}",
                status=StepStatus.DONE if is_made else one,  # type: ignore[arg-type]
                kind=FrameKind.FLAT,
                title=f"flat {letter}",
                group={"filter": letter},
                verdict=one if is_made else Verdict.CANNOT_TELL,  # type: ignore[arg-type]
            )
        )
    return Report(exit_code=0, results=tuple(results))


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ((Verdict.WORKS,), "This flat will work."),
        ((Verdict.WORKS, Verdict.WORKS), "Both flats will work."),
        ((Verdict.WORKS,) * 4, "All 4 flats will work."),
        ((Verdict.WILL_NOT_WORK,), "A will not work."),
        (
            (Verdict.WORKS, Verdict.WORKS, Verdict.WILL_NOT_WORK, Verdict.WORKS),
            "3 of 4 flats will work. C will not work.",
        ),
        (
            (Verdict.CHECK, Verdict.CANNOT_TELL, Verdict.WILL_NOT_WORK, StepStatus.FAILED),
            "C will not work. A should be checked. B cannot be judged. D could not be made.",
        ),
        ((Verdict.CHECK, Verdict.CHECK, Verdict.CHECK), "A, B and C should be checked."),
        ((Verdict.CHECK,) * 5, "5 flats should be checked."),
        ((StepStatus.CANCELLED,), "A could not be made."),
    ],
)
def test_the_first_sentence(verdicts: tuple[Verdict | StepStatus, ...], said: str) -> None:
    """The page begins with whether these flats will work."""
    assert headline(flats(*verdicts)) == said


def test_the_first_sentence_names_the_cause() -> None:
    """What decided about all flats of one verdict stands behind it, in short."""
    report = flats(Verdict.WILL_NOT_WORK)
    told = finding("most_frames_bad", "master_flat_A", "master_flat_A: 9 of 10 flats are bad.")
    assert headline(changed(report, findings=(told,))) == "A will not work: bad flats."


def test_the_first_sentence_without_flats(done: tuple[Plan, Report]) -> None:
    """Without flats it says how many lights or masters there are."""
    _, report = done
    lights = [one for one in report.results if one.kind is FrameKind.LIGHT]
    darks = [one for one in report.results if one.kind is FrameKind.DARK]
    assert headline(msgspec.structs.replace(report, results=tuple(lights))) == "4 lights were calibrated."
    assert headline(msgspec.structs.replace(report, results=tuple(darks))) == "1 master was made."
    assert headline(Report(exit_code=1)) == "Nothing was made."


def test_the_whole_page(done: tuple[Plan, Report]) -> None:
    """Pictures of each master, its maps, each light before and after; plots; files; nothing is wrong with any of it."""
    plan, report = done
    source = report_page(report, plan=plan, seen=look_at(report))
    assert page_faults(source) == []
    page = PageReader(source)
    shown = [one["alt"].partition(":")[0] for one in page.of("img")]
    assert shown.count("Before") == shown.count("After") == 2
    assert shown.count("Master flat") == 2
    n_masters = sum(1 for one in report.results if one.kind is not FrameKind.LIGHT)
    for name in ("Rejected as too low", "Rejected as too high", "Samples used"):
        assert shown.count(name) == n_masters
    text = page.text
    for title, count in (
        ("Histogram", n_masters), ("Radial profile", 2), ("Sections through the center", n_masters),
        ("Level of the frames", 2), ("Temperature of the sensor", n_masters + 2),
        ("Median of the calibrated lights", 2),
    ):  # fmt: skip
        assert source.count(f"<strong>{title}</strong>") == count, title
    assert text.startswith("Both flats will work.")
    for path in (use.path for use in report.files):
        assert Path(path).name in text
    for one in report.results:
        # Of lights, how many there are stands in the heading.
        because = one.because[1:] if one.kind is FrameKind.LIGHT else one.because
        assert [told for told in because if told.casefold() not in text.casefold()] == []


def test_without_pictures(done: tuple[Plan, Report]) -> None:
    """The page is whole without pictures too, and says why where a product cannot be read."""
    plan, report = done
    assert page_faults(report_page(report, plan=plan)) == []
    gone = changed(report, outputs=(str(Path(plan.output, "gone.fits")),))
    source = report_page(gone, plan=plan, seen=look_at(gone))
    assert page_faults(source) == []
    assert "Its picture could not be made" in source


@pytest.mark.parametrize("code", sorted(set(CATALOGUE) - {"needs_failed"}))
def test_every_finding_is_told(done: tuple[Plan, Report], code: str) -> None:
    """Message, mend, meaning and the options of a fix stand on the page, whichever finding decided."""
    plan, report = done
    told = finding(code, "master_flat_Ha", "It <is> so by 1.8 %.", fix=("--exclude", "a b*"))
    verdict = CATALOGUE[code].verdict or Verdict.WORKS
    for report_with in (
        changed(report, findings=(told,), verdict=verdict),
        msgspec.structs.replace(report, findings=(told,)),
    ):
        source = report_page(report_with, plan=plan)
        text = PageReader(source).text
        assert page_faults(source) == []
        assert "It <is> so by 1.8 %." in text
        assert told.mend.rstrip(".:") in text
        assert CATALOGUE[code].meaning in text
        assert '--exclude "a b*"' in text


def test_a_step_that_was_skipped(done: tuple[Plan, Report]) -> None:
    """Why nothing was made stands on its card; it is no finding beside that of the step it needs."""
    plan, report = done
    told = finding("needs_failed", "x", "It needs master_dark, which was not made.", level=FindingLevel.BLOCKER)
    skipped = changed(
        report, status=StepStatus.SKIPPED, outputs=(), findings=(told,), why=told.message, verdict=Verdict.CANNOT_TELL
    )
    source = report_page(skipped, plan=plan)
    assert page_faults(source) == []
    text = PageReader(source).text
    assert "not made (skipped)" in text
    assert "It needs master_dark, which was not made." in text
    assert "could not be made." in headline(skipped)


def test_a_card_shows_the_ranked_causes(done: tuple[Plan, Report]) -> None:
    """Where a cause was told, the likeliest stand on the card with their probabilities; a clean flat has none."""
    plan, report = done
    flat = next(one for one in report.results if one.kind is FrameKind.FLAT)
    chances = {Cause.LIGHT_WITHOUT_DARK: 0.92, Cause.NONE: 0.07, Cause.BIAS_TWICE: 0.002}
    measured = {**flat.measured, **{probability_key(cause): chance for cause, chance in chances.items()}}
    told = changed(report, verdict=Verdict.CHECK, measured=measured, findings=(finding("cause_told", flat.id, "Bad."),))
    text = PageReader(report_page(told, plan=plan)).text
    assert "light without dark92 %" in text.replace(" 92", "92")
    assert "none: chance alone" in text
    assert "bias subtracted twice" not in text
    works = changed(report, verdict=Verdict.WORKS, measured=measured, findings=())
    assert "light without dark92" not in PageReader(report_page(works, plan=plan)).text.replace(" 92", "92")


def test_a_card_says_first_what_decided(done: tuple[Plan, Report]) -> None:
    """On a card: what the eye will see, then what to do, then the numbers; the step's name is not said again."""
    plan, report = done
    flat = next(one for one in report.results if one.kind is FrameKind.FLAT)
    told = finding("uncalibrated", flat.id, f"{flat.id}: corners of your lights will be 1.8 % too dark.")
    measured = {**flat.measured, "eta": 0.982, "z": 12.3}
    source = report_page(changed(report, findings=(told,), verdict=Verdict.CHECK, measured=measured), plan=plan)
    card = PageReader(source[source.index('class="card warn"') :]).text
    parts = ["check", "Corners of your lights will be 1.8 % too dark.", told.mend.rstrip(".:"), "eta 0.9820", "z 12.3"]
    places = [card.index(part) for part in parts]
    assert places == sorted(places)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_from_outside_is_obeyed(done: tuple[Plan, Report], name: str) -> None:
    """Names and texts with tags, line breaks, marks that turn the reading, and 200 letters are shown as they are."""
    plan, report = done
    told = finding("low_light", name, f"{name}: too dark.", mend=f"{name}.")
    first = next(one for one in report.results if one.kind is FrameKind.FLAT)
    light = next(one for one in report.results if one.kind is FrameKind.LIGHT)
    plot = Plot(
        title=name, x_label=name, y_label=name, says=name,
        series=tuple(Series(name=name, x=(0.0, 1.0), y=(1.0, 2.0)) for _ in range(2)),
    )  # fmt: skip
    report = changed(
        report, id=name, title=name, group={**first.group, "filter": name, "night": name}, because=(name,), why=name,
        findings=(told,), verdict=Verdict.WILL_NOT_WORK, excluded=(Excluded(path=f"/n/{name}", code="x", reason=name),),
        inputs=(f"/n/{name}",), levels_adu=(1.0,), plots=(plot,), outputs=(f"/n/{name}",),
    )  # fmt: skip
    report = changed(
        report, kind=FrameKind.LIGHT, group={**light.group, "filter": name}, because=(name, name),
        lights=(LightRecord(path=f"/n/{name}", output=f"/n/{name}"),),
    )  # fmt: skip
    files = [FileUse(path=f"{plan.root}/{name}/{at}", use="left_out", code="x", reason=name) for at in range(2)]
    files += [FileUse(path=f"/n/{name}", use="used", code="used", reason="", steps=(name,))]
    report = msgspec.structs.replace(
        report, files=(*report.files, *files), moved=((f"/n/{name}", f"/m/{name}"),), findings=(told,), output=name
    )
    source = report_page(report, plan=msgspec.structs.replace(plan, notes=(name,)))
    assert page_faults(source) == []
    source.encode("utf-8")
    page = PageReader(source)
    # Blanks apart, as the reader joins the texts.
    assert page.text.replace(" ", "").count(literal(name).replace(" ", "")) >= 15
    assert [tag for tag, _ in page.tags if tag in ("b", "script")] == []
    assert len(page.of("img")) == 0


def test_plots_that_an_examination_hands_over(done: tuple[Plan, Report]) -> None:
    """A plot in a result is drawn with that master."""
    plan, report = done
    plot = Plot(
        title="Photon transfer curve", x_label="signal, ADU", y_label="variance, ADU²", says="1.02 e-/ADU.",
        series=(Series(name="measured", x=(10.0, 20.0), y=(10.0, 20.0), error=(1.0, 1.0), style="points"),),
        log_x=True, log_y=True,
    )  # fmt: skip
    text = PageReader(report_page(changed(report, plots=(plot,)), plan=plan)).text
    assert "Photon transfer curve" in text
    assert "1.02 e-/ADU." in text


def test_a_color_camera(tmp_path: Path) -> None:
    """Of a Bayer mosaic, histogram and radial profile have a line for each color."""
    simulate_night(tmp_path / "night", recipe=osc_night())
    plan = make_plan(survey_folders([tmp_path / "night"]), output=str(tmp_path / "out"))
    report = run_plan(plan)
    source = report_page(report, plan=plan, seen=look_at(report))
    assert page_faults(source) == []
    assert all(source.count(f'class="series color-{color}"') >= 2 for color in ("R", "G1", "G2", "B"))


def test_a_hundred_masters(done: tuple[Plan, Report], capsys: pytest.CaptureFixture[str]) -> None:
    """A hundred masters with pictures and plots stay below 8 MB, thousands of files and findings are folded."""
    plan, report = done
    flat = next(one for one in report.results if one.kind is FrameKind.FLAT)
    told = finding("low_light", "x", "x: 900 ADU, 2 % of full scale; aim at about 50 %.")
    many = [
        msgspec.structs.replace(
            flat, id=f"flat_{number}", findings=(msgspec.structs.replace(told, message=f"{number} is dark."),),
            verdict=Verdict.CHECK if number % 2 else Verdict.WORKS,
        )
        for number in range(100)
    ]  # fmt: skip
    files = [
        FileUse(path=f"{plan.root}/deep/folder/FLAT_{n:05}.fits", use="used", code="used", reason="", steps=("a",))
        for n in range(5000)
    ]
    report = msgspec.structs.replace(report, results=tuple(many), files=tuple(files))
    begin = time.perf_counter()
    seen = look_at(report)
    middle = time.perf_counter()
    source = report_page(report, plan=plan, seen=seen)
    end = time.perf_counter()
    with capsys.disabled():
        print(f" [looked {middle - begin:.2f} s, written {end - middle:.2f} s, {len(source) / 1e6:.1f} MB]", end="")
    assert page_faults(source) == []
    assert len(source) < 8_000_000
    page = PageReader(source)
    assert len([one for one in page.of("article") if "card" in one["class"]]) <= 12
    assert "88 more flats are in the table of masters" in page.text
    assert "97 more" in page.text
    assert len(page.of("li")) < 5000 + 100 * 40


def _luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrasts() -> None:
    """By day and by night every text stands out by 4.5 at least, every line of a plot by 3 (WCAG 2.2, AA)."""
    style = STYLE.read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    by_day, by_night = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})\b", block)) for block in blocks[:2])
    assert by_day.keys() == by_night.keys()
    for look in (by_day, by_night):
        pairs = [*itertools.product(("ink", "soft", "link"), ("page", "card")), ("ink", "dim-wash")]
        pairs += [(name, f"{name}-wash") for name in ("good", "warn", "bad", "dim")]
        low = {pair: _contrast(look[pair[0]], look[pair[1]]) for pair in pairs}
        assert {pair: found for pair, found in low.items() if found < 4.5} == {}
        lines = ("s0", "s1", "s2", "s3", "s4", "s5", "red", "green", "blue", "good", "warn", "bad", "dim")
        assert {name: found for name in lines if (found := _contrast(look[name], look["card"])) < 3.0} == {}
