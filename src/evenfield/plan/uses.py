"""What becomes of every file: used, not needed, left out or unreadable, each with a reason in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

from evenfield.match.limits import Limits
from evenfield.match.matching import Fit, fit_each, over_all
from evenfield.match.selecting import Selection, spare_reason
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding
from evenfield.model.frame import KEY_WORDS, Difference, FrameInfo, FrameKind
from evenfield.model.groups import FrameGroup
from evenfield.model.plan import FileUse
from evenfield.model.settings import Settings
from evenfield.model.survey import Survey
from evenfield.model.wording import plural
from evenfield.plan.calibrating import allow_fix, set_title, usable_sets
from evenfield.plan.lights import LightDraft
from evenfield.plan.steps import Draft, set_id

ANOTHER: Final = ("shape", "camera")
"""Keys whose difference says that a set was never meant for these flats."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Master flats and lights, and the id of a raw calibration set -> that of the step that makes its master."""

    drafts: tuple[Draft, ...]
    lights: tuple[LightDraft, ...] = ()
    made_by: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Spare:
    """Why a calibration set is not used; ``near`` is what it differs in where it nearly fits.

    ``fix`` would take it for flats that nothing else fits.
    """

    use: str
    code: str
    reason: str
    near: Fit | None = None
    fix: tuple[str, ...] | None = None


def file_uses(
    survey: Survey,
    selection: Selection,
    *,
    made: Made,
    unmade: Made,
    sets: Sequence[FrameGroup],
    small: Sequence[FrameGroup],
    settings: Settings,
    spare_flats: Sequence[FrameGroup] = (),
) -> tuple[tuple[FileUse, ...], tuple[Finding, ...]]:
    """One `FileUse` for every file found, in the order of their paths, and findings about sets that nearly fitted.

    ``unmade`` is what nobody wants; no light needs ``spare_flats``.
    """
    uses = {use.path: use for use in selection.uses}
    users = _used(made, sets)
    unasked = {path: ids for path, (_, ids) in _used(unmade, sets).items() if path not in users}
    for path in unasked:
        uses[path] = FileUse(path=path, use="not_needed", code="not_asked", reason="only what is not wanted needs it")
    for path in _own_frames(unmade, sets):
        uses[path] = FileUse(path=path, use="not_needed", code="not_asked", reason="its master is not wanted")
    for light in unmade.lights:
        for frame in light.group.frames:
            reason = "not to be calibrated"
            uses[frame.path] = FileUse(path=frame.path, use="not_needed", code="not_asked", reason=reason)
    for path, (reason, ids) in users.items():
        uses[path] = FileUse(path=path, use="used", code="used", reason=reason, steps=ids)
    for draft in made.drafts:
        for frame, why in draft.calibration.left_out:
            uses[frame.path] = FileUse(path=frame.path, use="left_out", code="no_calibration_fits", reason=why)
    for group in small:
        for frame in group.frames:
            reason = f"only {plural(len(group.frames), 'flat')} in its group"
            uses[frame.path] = FileUse(path=frame.path, use="left_out", code="small_group", reason=reason)
    for group in spare_flats:
        for frame in group.frames:
            reason = "no light needs this flat"
            uses[frame.path] = FileUse(path=frame.path, use="not_needed", code="spare", reason=reason)
    near: list[tuple[FrameGroup, _Spare]] = []
    usable = {set_id(group) for group in usable_sets(sets, settings.calibration)}
    for group in sets:
        if set_id(group) in users or set_id(group) in unasked:
            continue
        spare = (
            _spare(group, (*made.drafts, *unmade.drafts))
            if set_id(group) in usable
            else _not_needed(spare_reason(group.frames[0]))
        )
        for frame in group.frames:
            uses[frame.path] = FileUse(path=frame.path, use=spare.use, code=spare.code, reason=spare.reason)
        if spare.near is not None:
            near.append((group, spare))
    for frame in survey.frames:
        # Calibration frames that were not even looked at, because --calibrate-with was given.
        uses.setdefault(
            frame.path, FileUse(path=frame.path, use="not_needed", code="spare", reason=spare_reason(frame))
        )
    return tuple(uses[path] for path in sorted(uses)), (
        *_small_findings(small),
        *_near_findings(near, named=settings.calibration.mode == "files"),
    )


def _own_frames(unmade: Made, sets: Sequence[FrameGroup]) -> list[str]:
    """The frames of masters that are not wanted themselves, not because what needs them is not."""
    needed = _used(dataclasses.replace(unmade, made_by={}), sets)
    found = [frame.path for draft in unmade.drafts for frame in draft.group.frames]
    for group in sets:
        if set_id(group) in unmade.made_by and set_id(group) not in needed:
            found += [frame.path for frame in group.frames]
    return found


def _used(made: Made, sets: Sequence[FrameGroup]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Path -> reason and the ids of the steps that read the file."""
    drafts, lights, made_by = made.drafts, made.lights, made.made_by
    reasons: dict[str, str] = {}
    ids: dict[str, list[str]] = {}
    for draft in drafts:
        left = {frame.path for frame, _ in draft.calibration.left_out}
        users = [
            (frame.path, f"flat of {draft.name}", draft.name) for frame in draft.group.frames if frame.path not in left
        ]
        for choice in draft.calibration.choices:
            for one in choice.fits if choice else ():
                step = made_by.get(set_id(one.group), draft.name)
                words = f"{one.role.replace('_', ' ')} of {draft.name}"
                users += [(frame.path, words, step) for frame in one.group.frames]
        for path, words, step in users:
            reasons.setdefault(path, words)
            ids.setdefault(path, []).append(step)
    for light in lights:
        users = [(frame.path, "light", light.name) for frame in light.group.frames]
        for choice in light.calibration.choices:
            for one in choice.fits if choice else ():
                step = made_by.get(set_id(one.group), light.name)
                words = f"{one.role.replace('_', ' ')} of {light.name}"
                users += [(frame.path, words, step) for frame in one.group.frames]
        if light.flat is not None and light.flat.group.is_master:
            users.append((light.flat.group.frames[0].path, f"flat of {light.name}", light.name))
        for path, words, step in users:
            reasons.setdefault(path, words)
            ids.setdefault(path, []).append(step)
    for group in sets:
        # A set that gets a master of its own, though no flat needs it.
        own = made_by.get(set_id(group))
        if own is not None and group.frames[0].path not in reasons:
            reasons.update({frame.path: f"{group.kind.words} of {own}" for frame in group.frames})
            ids.update({frame.path: [own] for frame in group.frames})
    return {path: (reason, tuple(dict.fromkeys(ids[path]))) for path, reason in reasons.items()}


def _not_needed(reason: str) -> _Spare:
    return _Spare(use="not_needed", code="spare", reason=reason)


def _spare(group: FrameGroup, drafts: Sequence[Draft]) -> _Spare:
    """Why nobody uses a set: another is better, nobody needs its kind, or it nearly fits and one setting differs."""
    first = group.frames[0]
    limits = Limits(allowed={})
    role = "bias" if group.kind is FrameKind.BIAS else "dark_flat"
    fits = [one for draft in drafts for one in fit_each(_different(draft.group), group=group, role=role, limits=limits)]
    if not fits or any(one.fits for one in fits):
        return _not_needed(spare_reason(first))
    keys = [{difference.key for difference in one.against if not difference.unknown} for one in fits]
    if group.kind is FrameKind.DARK and all("exposure_s" in found for found in keys):
        return _not_needed(spare_reason(first))
    for key in ANOTHER:
        if all(key in found for found in keys):
            return _not_needed(f"{group.kind.words} of another {KEY_WORDS[key]}")
    meant = [one for one, found in zip(fits, keys, strict=True) if not found.intersection(ANOTHER)] or fits
    best = min(meant, key=lambda one: (_exposure_differs(one), len(one.against), one.distance))
    if _exposure_differs(best) and group.kind is FrameKind.DARK:
        return _not_needed(spare_reason(first))
    reason = _short_words(best.against[0])
    bare = [draft.group for draft in drafts if draft.calibration.how == "none"]
    each = [over_all(fit_each(_different(flats), group=group, role=role, limits=limits)) for flats in bare]
    fix = allow_fix(min(each, key=lambda one: (len(one.against), one.distance))) if each else None
    return _Spare(use="left_out", code=f"{best.against[0].key}_differs", reason=reason, near=best, fix=fix)


def _exposure_differs(one: Fit) -> bool:
    return any(difference.key == "exposure_s" for difference in one.against)


def _different(group: FrameGroup) -> list[FrameInfo]:
    """One frame for each exposure, temperature and setup of a group: the others match in the same way."""
    found = {(frame.exposure_s, frame.temperature_c, frame.setup): frame for frame in reversed(group.frames)}
    return list(found.values())


def _short_words(difference: Difference) -> str:
    """Return "gain 0 (flats have 100)"."""
    words = KEY_WORDS.get(difference.key, difference.key).replace(" setting", "")
    here = "unknown" if difference.here is None else difference.here
    return f"{words} {difference.there or 'unknown'} (flats have {here})"


def _near_findings(near: Sequence[tuple[FrameGroup, _Spare]], *, named: bool) -> list[Finding]:
    """One finding for each cause: the sets that differ in the same way are told of together."""
    causes: dict[tuple[tuple[str | None, ...], ...], list[tuple[FrameGroup, Fit, _Spare]]] = {}
    for group, spare in near:
        if spare.near is not None:
            causes.setdefault(tuple(map(_cause, spare.near.against)), []).append((group, spare.near, spare))
    told = []
    code = "named_file_not_used" if named else "calibration_left_out"
    for same in causes.values():
        counts: dict[str, int] = {}
        for group, _, _ in same:
            counts[set_title(group)] = counts.get(set_title(group), 0) + len(group.frames)
        listed = [plural(count, title_as_noun(title)) for title, count in list(counts.items())[:3]]
        more = len(counts) - len(listed)
        best, spare = min(((one, spare) for _, one, spare in same), key=lambda item: item[0].distance)
        fix = spare.fix
        differences = "; ".join(
            f"{KEY_WORDS.get(item.key, item.key)} {item.there or 'unknown'}, flats have {item.here or 'unknown'}"
            for item in best.against
        )
        nearest = "the nearest: " if len(same) > 1 else ""
        names = ", ".join(listed) + (f" and {more} more sets" if more > 0 else "")
        # Where other sets fit, nothing has to be done.
        mend = "Take new ones with the flats' settings; or accept the difference, which is recorded." if fix else None
        text = f"{names} not used: {nearest}{differences}."
        told.append(finding(code, ", ".join(counts), text, mend=mend, fix=fix))
    return told


def _cause(difference: Difference) -> tuple[str | None, ...]:
    # Exposures and temperatures scatter: their values do not tell one cause from another.
    if difference.key in ("exposure_s", "sensor_c"):
        return (difference.key,)
    return (difference.key, difference.here, difference.there)


def title_as_noun(title: str) -> str:
    """Return "dark flat of 2.00 s" for the title "dark flat 2.00 s", so that it can be counted."""
    head, digit, rest = title, "", ""
    for place, char in enumerate(title):
        if char.isdigit():
            head, digit, rest = title[:place].rstrip(), char, title[place + 1 :]
            break
    return f"{head} of {digit}{rest}" if digit else head


def _small_findings(small: Sequence[FrameGroup]) -> list[Finding]:
    if not small:
        return []
    count = sum(len(group.frames) for group in small)
    groups = [
        " ".join(str(group.key[key]) for key in ("filter", "night") if group.key.get(key)) or "no filter"
        for group in small
    ]
    listed = ", ".join(groups[:3]) + (f" and {len(groups) - 3} more" if len(groups) > 3 else "")
    text = f"{plural(count, 'flat')} left out, in {plural(len(small), 'group')} of too few frames: {listed}."
    return [finding("small_group", listed, text, fix=min_group_fix(small))]


def min_group_fix(small: Sequence[FrameGroup]) -> tuple[str, ...]:
    """The arguments that let all groups that are too small make a master."""
    return ("--min-group", str(min(len(group.frames) for group in small)))
