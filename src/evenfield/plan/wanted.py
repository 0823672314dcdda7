"""What the user wants of files and steps: what takes no part, what is not made, what it is called, what it uses."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from evenfield.describe.overrides import fits_pattern
from evenfield.errors import PlanError
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding
from evenfield.model.groups import FrameGroup
from evenfield.model.plan import FileUse, LightStep, Step
from evenfield.model.settings import Settings
from evenfield.model.survey import Copy, Survey
from evenfield.plan.patterns import fits_any

UNCALIBRATED: Final = "_UNCALIBRATED"
"""What the name of a master flat ends with for which nothing fitted."""

MOST_NEAR: Final = 3
"""Names proposed where one fits no step."""

_EITHER: Final = re.compile(r"(?<!\[)\|")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TakingPart:
    """The survey of what takes part, the uses of what was left out on request, and findings about that."""

    survey: Survey
    uses: tuple[FileUse, ...] = ()
    findings: tuple[Finding, ...] = ()


def taking_part(survey: Survey, *, settings: Settings) -> TakingPart:
    """Leave out the files that --exclude names, as if they were not there; of copies, another one is then used."""
    patterns = settings.select.exclude
    if not patterns:
        return TakingPart(survey=survey)
    fits = fits_any(patterns)
    found = [*(frame.path for frame in survey.frames), *(one.path for one in survey.unreadable)]
    out = {path for path in found if fits(path)}
    idle = [one for one in dict.fromkeys(patterns) if not any(fits_pattern(one, path) for path in out)]
    told = [finding("override_unused", "--exclude", f"No file fits {' or '.join(idle)} of --exclude.")] if idle else []
    kept = msgspec.structs.replace(
        survey,
        frames=tuple(frame for frame in survey.frames if frame.path not in out),
        unreadable=tuple(one for one in survey.unreadable if one.path not in out),
        copies=_copies(survey.copies, out),
        levels=tuple(one for one in survey.levels if one.path not in out),
    )
    uses = tuple(
        FileUse(path=path, use="left_out", code="excluded", reason="left out on request") for path in sorted(out)
    )
    return TakingPart(survey=kept, uses=uses, findings=tuple(told))


def _copies(copies: Sequence[Copy], out: Collection[str]) -> tuple[Copy, ...]:
    """The copies that are left; where the original is left out, the first copy takes its place."""
    instead: dict[str, str] = {}
    found = []
    for copy in copies:
        if copy.path in out:
            continue
        original = copy.original
        if original in out:
            original = instead.setdefault(original, copy.path)
        if original != copy.path:
            found.append(Copy(path=copy.path, original=original))
    return tuple(found)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StepNames:
    """The names that steps answer to, in lower case: the one that they would have had, and a new one."""

    ids: Mapping[str, str]

    @classmethod
    def of(cls, names: Iterable[tuple[str, Iterable[str]]]) -> StepNames:
        """The names of steps from pairs of an id and what else it may be called; what it is called first wins."""
        ids: dict[str, str] = {}
        pairs = [(step_id, list(others)) for step_id, others in names]
        for step_id, others in pairs:
            for name in others:
                ids.setdefault(name.casefold(), step_id)
        for step_id, _ in pairs:
            ids.setdefault(step_id.casefold(), step_id)
        return cls(ids=ids)

    def id_of(self, name: str) -> str | None:
        """The id of the step that a name means, or ``None``."""
        return self.ids.get(name.strip().casefold())

    def split(self, text: str) -> tuple[str, str]:
        """NAME and the rest of NAME=REST; a name that holds "=" itself is known by its step."""
        cuts = [place for place, char in enumerate(text) if char == "="]
        best = next((place for place in cuts if self.id_of(text[:place]) is not None), cuts[0])
        return text[:best].strip(), text[best + 1 :].strip()

    def by_id(self, texts: Iterable[str]) -> dict[str, str]:
        """Step id -> the rest of the last NAME=REST that means it."""
        found: dict[str, str] = {}
        for text in texts:
            name, rest = self.split(text)
            step_id = self.id_of(name)
            if step_id is not None:
                found[step_id] = rest
        return found

    def unknown(self, texts: Iterable[str], *, pairs: bool) -> list[str]:
        """The names among texts, or pairs of NAME=REST, that mean no step."""
        names = [self.split(text)[0] if pairs else text.strip() for text in texts]
        return [name for name in dict.fromkeys(names) if self.id_of(name) is None]

    def near(self, name: str) -> str:
        """A mend that proposes names like one that is not known."""
        known = {key: step_id for key, step_id in self.ids.items() if not key.endswith(UNCALIBRATED.casefold())}
        close = difflib.get_close_matches(name.casefold(), known, n=MOST_NEAR, cutoff=0.5)
        close = close or sorted(known)[:MOST_NEAR]
        names = list(dict.fromkeys(known[one] for one in close))
        return f"Did you mean {' or '.join(names)}?" if names else "Name a step of the plan."


def flat_aliases(plain: str) -> tuple[str, ...]:
    """What the step of a master flat may be called beside its own name: how it turns out must not matter."""
    return (plain, plain + UNCALIBRATED)


def new_names(names: StepNames, *, settings: Settings) -> dict[str, str]:
    """Step id -> the name that --rename gives it."""
    found = names.by_id(settings.output.names)
    for ending in (settings.output.suffix, ".fits", ".fit", ".xisf"):
        found = {step_id: new.removesuffix(ending).strip(" .") or new for step_id, new in found.items()}
    return found


def check_different(ids: Sequence[str]) -> None:
    """Refuse two steps of one name.

    Raises
    ------
    PlanError
    """
    seen: set[str] = set()
    for step_id in ids:
        if step_id.casefold() in seen:
            raise PlanError(
                f"--rename would give two products the name '{step_id}'.",
                mend="Choose another name for one of them.",
                code="usage",
            )
        seen.add(step_id.casefold())


def asked_sets(groups: Sequence[FrameGroup], *, text: str) -> tuple[FrameGroup, ...]:
    """The sets whose files all fit the patterns of a --use, which are divided by "|"."""
    fits = fits_any([one.strip() for one in _EITHER.split(text) if one.strip()])
    return tuple(group for group in groups if all(fits(frame.path) for frame in group.frames))


def use_of(settings: Settings, *, step_id: str) -> str | None:
    """The patterns of --use for a step of a finished plan, by its name or the one that it would have had."""
    old = [text.rpartition("=")[0] for text in settings.output.names if text.rpartition("=")[2] == step_id]
    names = [step_id, step_id.removesuffix(UNCALIBRATED), *old]
    return StepNames.of([(step_id, names)]).by_id(settings.calibration.use).get(step_id)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The steps that are made, by their ids."""

    ids: frozenset[str]
    findings: tuple[Finding, ...] = ()


def wanted_steps(
    steps: Sequence[Step | LightStep], *, roots: Collection[str], names: StepNames, settings: Settings
) -> Wanted:
    """Which steps are made: those of ``roots`` that --without does not name, and what they need.

    Raises
    ------
    PlanError
        If nothing is left to be made.
    """
    named = {step_id for step_id in map(names.id_of, settings.select.without) if step_id is not None}
    by_id = {step.id: step for step in steps}
    wanted: dict[str, str] = {}
    for step in reversed(steps):
        if step.id in roots and step.id not in named:
            wanted.setdefault(step.id, "")
        if step.id in wanted:
            for need in step.needs:
                wanted[need] = step.id
    if named and not wanted:
        raise PlanError("Nothing remains to be made.", mend="Leave out one --without.", code="plan")
    told = [
        finding(
            "without_unused",
            step_id,
            f"{step_id} is made all the same: {wanted[step_id]} needs it.",
            mend=f"Name {wanted[step_id]} as well, or leave --without {step_id} out.",
        )
        for step_id in by_id
        if step_id in named and step_id in wanted
    ]
    return Wanted(ids=frozenset(wanted), findings=tuple(told))


def unknown_names(
    names: StepNames, *, flats: Collection[str], lights: Collection[str], settings: Settings
) -> tuple[Finding, ...]:
    """Findings about names in --without, --rename and --use that mean no step, or not one of the right kind."""
    found = []
    for code, option, texts in (
        ("without_unused", "--without", settings.select.without),
        ("rename_unused", "--rename", settings.output.names),
        ("use_unused", "--use", settings.calibration.use),
    ):
        for name in names.unknown(texts, pairs=option != "--without"):
            text = f"No step of the plan is called {name}, as {option} says."
            found.append(finding(code, name, text, mend=names.near(name)))
    for step_id in names.by_id(settings.output.names):
        if step_id in lights:
            text = f"{step_id}: lights keep the names of their raw frames."
            found.append(finding("rename_unused", step_id, text, mend=f"Leave --rename {step_id} out."))
    for step_id in names.by_id(settings.calibration.use):
        if step_id not in flats and step_id not in lights:
            text = f"{step_id}: nothing is subtracted from bias, darks and dark flats."
            found.append(finding("use_unused", step_id, text, mend=f"Leave --use {step_id} out."))
    return tuple(found)
