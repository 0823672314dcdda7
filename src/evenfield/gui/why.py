"""The account of one master or frame, as blocks that a view draws: why it is so, and what nearly matched."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from evenfield.gui.rows import Row
from evenfield.model.catalogue import CATALOGUE
from evenfield.model.findings import Finding
from evenfield.model.frame import KEY_WORDS, FrameInfo, exposure_text, key_text
from evenfield.model.literal import literal
from evenfield.model.plan import Calibration, LightStep, Match, Plan, RunnerUp, Step

THE_SAME: Final = "the same"
"""Stands in the place of the master's value where it is that of the frames."""

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
        yield Text(literal(f"Cannot be made: {step.refused.message} {step.refused.mend}"))
    for text in step.because:
        yield Text(literal(text[:1].upper() + text[1:]) + ".")
    for one in step.calibrations:
        yield from _calibration(one, step)
    if isinstance(step, LightStep) and step.flat_match is not None and step.flat is not None:
        yield Heading(literal(f"Divided by {step.flat.title}"))
        yield from _match(step.flat_match)
    for told in step.findings:
        yield from why_finding(told)


def why_finding(told: Finding) -> Iterator[Block]:
    """What a finding means and what to do."""
    entry = CATALOGUE[told.code]
    yield Heading(f"{told.level.value.capitalize()}: {entry.title}")
    yield Text(literal(told.message))
    yield Text(entry.meaning)
    yield Text(literal(f"What to do: {told.mend}"))
    if told.fix:
        yield Text(literal(f"On the command line: {' '.join(told.fix)}"))


def _calibration(one: Calibration, step: Step | LightStep) -> Iterator[Block]:
    count = sum(1 for item in step.inputs if step.calibrations[item.calibration] is one)
    which = "" if len(step.calibrations) == 1 else f" ({count} of {len(step.inputs)} frames)"
    yield Heading(literal(one.title[:1].upper() + one.title[1:]) + which)
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
    lines += [(key, "known on one side only, or not at all", "", None) for key in match.unknown]
    lines += [("allowed on request", text, "", False) for text in match.allowed]
    yield Compared(tuple((literal(a), literal(b), literal(c), ok) for a, b, c, ok in lines))
    if match.runners_up:
        yield Heading("Nearly matched")
    for one in match.runners_up[:MOST_NEARLY]:
        yield from _runner_up(one)
    more = len(match.runners_up) - MOST_NEARLY
    if more > 0:
        yield Text(f"And {more} more: see Options, Show the search.")


def _runner_up(one: RunnerUp) -> Iterator[Block]:
    yield Text(literal(f"{one.title}: {one.why}"))
    if one.differences:
        yield Compared(
            tuple(
                (KEY_WORDS.get(item.key, item.key), literal(item.here or "unknown"), literal(item.there or "unknown"),
                 None if item.unknown else False)
                for item in one.differences
            )
        )  # fmt: skip
    if one.fix is not None:
        yield Instead(about=literal(f"{one.title}: {one.why}"), fix=one.fix)


FRAME_FACTS: Final = (
    "kind", "filter", "exposure_s", "sensor_c", "set_c", "shape", "binning", "gain_setting", "offset_setting",
    "camera", "readout_mode", "cfa", "row_order", "telescope", "rotator_deg", "taken_at", "program", "target",
    "saturation_adu", "egain_e_per_adu", "sample",
)  # fmt: skip
"""What is told of a frame, and may be corrected as far as `OVERRIDE_FIELDS` has it."""


def why_frame(row: Row, plan: Plan | None) -> Iterator[Block]:
    """What a frame is, and why it is used or not."""
    yield Heading(literal(row.name))
    yield Text(row.use_words[:1].upper() + row.use_words[1:] + ("." if row.use else ""))
    entry = None if row.use is None else CATALOGUE.get(row.use.code)
    if entry is not None and row.use is not None and row.use.use != "used":
        yield Text(entry.meaning)
        yield Text(f"What to do: {entry.mend}")
    if plan is not None and row.use is not None and row.use.steps:
        yield Text(literal(f"Goes into {', '.join(row.use.steps[:3])}."))
    if row.frame is not None:
        yield Heading("What the header says")
        yield Facts(tuple(_facts(row.frame)))
        if row.frame.problems:
            yield Heading("Values that cannot be used")
            yield from (Text(literal(text)) for text in row.frame.problems)
    yield Text(literal(f"Folder: {os.path.dirname(row.path)}"))


def _facts(frame: FrameInfo) -> Iterator[tuple[str, str, str]]:
    for key in FRAME_FACTS:
        value = getattr(frame, key) if hasattr(frame, key) else getattr(frame.setup, key)
        if value is None:
            continue
        text = exposure_text(value) if key == "exposure_s" else key_text(key, value) or ""
        source = frame.known_from.get(key, "")
        words = KEY_WORDS.get(key, key.removesuffix("_e_per_adu").removesuffix("_adu").replace("_", " "))
        yield words, literal(text), literal(source)


def why_rows(rows: Sequence[Row]) -> Iterator[Block]:
    """Several frames at once: how many, and what becomes of them."""
    yield Heading(f"{len(rows):,} files selected")
    for text, count in Counter(row.use_words for row in rows).most_common(12):
        yield Text(f"{count:,}: {text or 'nothing planned'}")
