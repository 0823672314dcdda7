"""The account of one master or frame, as blocks that a view draws: why it is so, and what nearly matched."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from evenfield.gui.rows import Row
from evenfield.gui.words import count_words, mark, tr
from evenfield.model.catalogue import CATALOGUE
from evenfield.model.findings import Finding, FindingLevel
from evenfield.model.frame import FrameInfo, exposure_text, key_text
from evenfield.model.literal import literal
from evenfield.model.plan import Calibration, LightStep, Match, Plan, RunnerUp, Step

THE_SAME: Final = mark("the same")
"""Stands in the place of the master's value where it is that of the frames."""

_LEVELS: Final = {
    FindingLevel.BLOCKER: mark("Blocker"), FindingLevel.WARNING: mark("Warning"), FindingLevel.NOTE: mark("Note"),
}  # fmt: skip

MOST_NEARLY: Final = 6
"""Runners-up that are shown."""


@dataclasses.dataclass(frozen=True, slots=True)
class Heading:
    """A line in bold."""

    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Compared:
    """Keys with both values: (key, the frames' value, the master's, whether they agree; ``None``: unknown)."""

    lines: tuple[tuple[str, str, str, bool | None], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """Names with values: (name, value, where it came from)."""

    lines: tuple[tuple[str, str, str], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Instead:
    """Another master that can be taken: which, and the arguments that take it."""

    about: str
    fix: tuple[str, ...]


Block: TypeAlias = Heading | Text | Compared | Facts | Instead


def why_step(step: Step | LightStep) -> Iterator[Block]:
    """Why a product is made as it is."""
    yield Heading(literal(step.title))
    if step.refused is not None:
        yield Text(tr("Cannot be made: {} {}").format(literal(step.refused.message), literal(step.refused.mend)))
    for text in step.because:
        yield Text(literal(text[:1].upper() + text[1:]) + ".")
    for one in step.calibrations:
        yield from _calibration(one, step)
    if isinstance(step, LightStep) and step.flat_match is not None and step.flat is not None:
        yield Heading(tr("Divided by {}").format(literal(step.flat.title)))
        yield from _match(step.flat_match)
    for told in step.findings:
        yield from why_finding(told)


def why_finding(told: Finding) -> Iterator[Block]:
    """What a finding means and what to do."""
    entry = CATALOGUE[told.code]
    yield Heading(f"{tr(_LEVELS[told.level])}: {entry.title}")
    yield Text(literal(told.message))
    yield Text(entry.meaning)
    yield Text(tr("What to do: {}").format(literal(told.mend)))
    if told.fix:
        yield Text(tr("On the command line: {}").format(literal(" ".join(told.fix))))


def _calibration(one: Calibration, step: Step | LightStep) -> Iterator[Block]:
    count = sum(1 for item in step.inputs if step.calibrations[item.calibration] is one)
    title = literal(one.title[:1].upper() + one.title[1:])
    if len(step.calibrations) > 1:
        title = tr("{} ({} of {} frames)").format(title, count, len(step.inputs))
    yield Heading(title)
    if one.match is not None:
        yield from _match(one.match)


def _match(match: Match) -> Iterator[Block]:
    lines: list[tuple[str, str, str, bool | None]] = []
    for reason in match.reasons:
        key, colon, rest = reason.partition(": ")
        here, comma, there = rest.partition(", ")
        if not colon:
            lines.append(("", reason, "", True))
        elif rest.endswith(" on both sides"):
            lines.append((key, rest.removesuffix(" on both sides"), THE_SAME, True))
        elif comma and key != "not compared, since nobody tells":
            lines.append((key, here.removeprefix("flats "), there.removeprefix("master "), True))
        else:
            lines.append((key, rest, "", None if key.startswith("not compared") else True))
    lines += [(key, tr("known on one side only, or not at all"), "", None) for key in match.unknown]
    lines += [(tr("allowed on request"), text, "", False) for text in match.allowed]
    yield Compared(tuple((literal(a), literal(b), literal(c), ok) for a, b, c, ok in lines))
    if match.runners_up:
        yield Heading(tr("Nearly matched"))
    for one in match.runners_up[:MOST_NEARLY]:
        yield from _runner_up(one)
    more = len(match.runners_up) - MOST_NEARLY
    if more > 0:
        yield Text(tr("And {} more: see Options, Show the search.").format(more))


def _runner_up(one: RunnerUp) -> Iterator[Block]:
    yield Text(literal(f"{one.title}: {one.why}"))
    if one.differences:
        yield Compared(
            tuple(
                (key_words(item.key), literal(item.here or tr("unknown")), literal(item.there or tr("unknown")),
                 None if item.unknown else False)
                for item in one.differences
            )
        )  # fmt: skip
    if one.fix is not None:
        yield Instead(about=literal(f"{one.title}: {one.why}"), fix=one.fix)


FRAME_FACTS: Final = {
    "kind": mark("kind"), "filter": mark("filter"), "exposure_s": mark("exposure"), "sensor_c": mark("temperature"),
    "set_c": mark("set temperature"), "shape": mark("size"), "binning": mark("binning"),
    "gain_setting": mark("gain setting"), "offset_setting": mark("offset setting"), "camera": mark("camera"),
    "readout_mode": mark("readout mode"), "cfa": mark("CFA pattern"), "row_order": mark("row order"),
    "telescope": mark("telescope"), "rotator_deg": mark("rotator angle"), "taken_at": mark("taken at"),
    "program": mark("program"), "target": mark("target"), "saturation_adu": mark("saturation"),
    "egain_e_per_adu": mark("egain"), "sample": mark("sample"),
}  # fmt: skip
"""What is told of a frame, and may be corrected as far as `OVERRIDE_FIELDS` has it; with the words for it."""

_KEYS: Final = {
    "origin": mark("region"), "number_domain": mark("number domain"), "night": mark("night"),
    "focal_length_mm": mark("focal length"),
}  # fmt: skip
"""Further keys in which frames and masters may differ."""


def key_words(key: str) -> str:
    """The words for a key in which frames may differ."""
    known = FRAME_FACTS if key in FRAME_FACTS else _KEYS
    return tr(known[key]) if key in known else key


def why_frame(row: Row, plan: Plan | None) -> Iterator[Block]:
    """What a frame is, and why it is used or not."""
    yield Heading(literal(row.name))
    yield Text(row.use_words[:1].upper() + row.use_words[1:] + ("." if row.use else ""))
    entry = None if row.use is None else CATALOGUE.get(row.use.code)
    if entry is not None and row.use is not None and row.use.use != "used":
        yield Text(entry.meaning)
        yield Text(tr("What to do: {}").format(entry.mend))
    if plan is not None and row.use is not None and row.use.steps:
        yield Text(tr("Goes into {}.").format(literal(", ".join(row.use.steps[:3]))))
    if row.frame is not None:
        yield Heading(tr("What the header says"))
        yield Facts(tuple(_facts(row.frame)))
        if row.frame.problems:
            yield Heading(tr("Values that cannot be used"))
            yield from (Text(literal(text)) for text in row.frame.problems)
    yield Text(tr("Folder: {}").format(literal(os.path.dirname(row.path))))


def _facts(frame: FrameInfo) -> Iterator[tuple[str, str, str]]:
    for key in FRAME_FACTS:
        value = getattr(frame, key) if hasattr(frame, key) else getattr(frame.setup, key)
        if value is None:
            continue
        text = exposure_text(value) if key == "exposure_s" else key_text(key, value) or ""
        source = frame.known_from.get(key, "")
        yield key_words(key), literal(text), literal(source)


def why_rows(rows: Sequence[Row]) -> Iterator[Block]:
    """Several frames at once: how many, and what becomes of them."""
    yield Heading(count_words(len(rows), "{} file selected", "{} files selected"))
    for text, count in Counter(row.use_words for row in rows).most_common(12):
        yield Text(f"{count:,}: {text or tr('nothing planned')}")
