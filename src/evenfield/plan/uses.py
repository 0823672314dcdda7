"""What becomes of every file: used, not needed, left out or unreadable, each with a reason in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from evenfield.match.limits import Limits
from evenfield.match.matching import Fit, fit
from evenfield.match.selecting import Selection, spare_reason
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding
from evenfield.model.frame import KEY_WORDS, FrameKind
from evenfield.model.groups import FrameGroup
from evenfield.model.plan import FileUse
from evenfield.model.settings import Settings
from evenfield.model.survey import Survey
from evenfield.model.wording import plural
from evenfield.plan.calibrating import set_title
from evenfield.plan.steps import Draft, set_id


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Spare:
    """Why a calibration set is not used: a ``use``, a code and a reason, and what it differs in."""

    use: str
    code: str
    reason: str
    near: Fit | None = None


def file_uses(
    survey: Survey,
    selection: Selection,
    *,
    drafts: Sequence[Draft],
    made_by: Mapping[str, str],
    sets: Sequence[FrameGroup],
    small: Sequence[FrameGroup],
    settings: Settings,
) -> tuple[tuple[FileUse, ...], tuple[Finding, ...]]:
    """One `FileUse` for every file found, in the order of their paths, and findings about sets that nearly fitted.

    ``made_by`` maps the id of a raw calibration set to that of the step that makes its master.
    """
    uses = {use.path: use for use in selection.uses}
    users = _used(drafts, made_by)
    for path, (reason, ids) in users.items():
        uses[path] = FileUse(path=path, use="used", code="used", reason=reason, steps=ids)
    for draft in drafts:
        for frame, why in draft.calibration.left_out:
            uses[frame.path] = FileUse(path=frame.path, use="left_out", code="no_calibration_fits", reason=why)
    for group in small:
        for frame in group.frames:
            uses[frame.path] = FileUse(
                path=frame.path,
                use="left_out",
                code="small_group",
                reason=f"only {plural(len(group.frames), 'flat')} in its group",
            )
    told: list[Finding] = []
    for group in sets:
        if group.frames[0].path in users:
            continue
        spare = _spare(group, drafts)
        for frame in group.frames:
            uses[frame.path] = FileUse(path=frame.path, use=spare.use, code=spare.code, reason=spare.reason)
        if spare.near is not None:
            named = settings.calibration.mode == "files"
            told.append(_left_out_finding(group, spare.near, code="named_file_not_used" if named else None))
    for frame in survey.frames:
        # Calibration frames that were not even looked at, because --calibrate-with or a pedestal was asked for.
        uses.setdefault(
            frame.path, FileUse(path=frame.path, use="not_needed", code="spare", reason=spare_reason(frame))
        )
    return tuple(uses[path] for path in sorted(uses)), tuple(told)


def _used(drafts: Sequence[Draft], made_by: Mapping[str, str]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Path -> reason and the ids of the steps that read the file."""
    reasons: dict[str, str] = {}
    ids: dict[str, list[str]] = {}
    for draft in drafts:
        left = {frame.path for frame, _ in draft.calibration.left_out}
        users = [(frame.path, f"flat of {draft.name}", draft.name) for frame in draft.group.frames]
        users = [user for user in users if user[0] not in left]
        for choice in draft.calibration.choices:
            for one in choice.fits if choice else ():
                step = made_by.get(set_id(one.group), draft.name)
                words = f"{one.role.replace('_', ' ')} of {draft.name}"
                users += [(frame.path, words, step) for frame in one.group.frames]
        for path, words, step in users:
            reasons.setdefault(path, words)
            ids.setdefault(path, []).append(step)
    return {path: (reason, tuple(dict.fromkeys(ids[path]))) for path, reason in reasons.items()}


def _spare(group: FrameGroup, drafts: Sequence[Draft]) -> _Spare:
    """Why nobody uses a set: another is better, nobody needs its kind, or it nearly fits and one setting differs."""
    reason = spare_reason(group.frames[0])
    near: list[Fit] = []
    limits = Limits(allowed={})
    role = "bias" if group.kind is FrameKind.BIAS else "dark_flat"
    for draft in drafts:
        for frame in draft.group.frames[:1]:
            one = fit(frame, group=group, role=role, limits=limits)
            if one.fits:
                return _Spare(use="not_needed", code="spare", reason=reason)
            near.append(one)
    wrong_exposure = [one for one in near if any(item.key == "exposure_s" for item in one.against)]
    if group.kind is FrameKind.DARK and len(wrong_exposure) == len(near):
        return _Spare(use="not_needed", code="spare", reason=reason)
    if not near or all(_of_another_camera(one) for one in near):
        return _Spare(use="not_needed", code="spare", reason=reason)
    fitting = [one for one in near if one not in wrong_exposure] or near
    best = min(fitting, key=lambda one: (len(one.against), one.distance))
    difference = best.against[0]
    words = KEY_WORDS.get(difference.key, difference.key).replace(" setting", "")
    code = f"{difference.key}_differs"
    return _Spare(
        use="left_out", code=code, reason=f"{words} {difference.there} (flats have {difference.here})", near=best
    )


def _of_another_camera(one: Fit) -> bool:
    """Whether a set comes from another camera, or from one of another size whose name is not known to be the same."""
    keys = {item.key for item in one.against}
    return "camera" in keys or (
        "shape" in keys and ("camera" in one.unknown or one.group.frames[0].setup.camera is None)
    )


def _left_out_finding(group: FrameGroup, near: Fit, *, code: str | None = None) -> Finding:
    words = "; ".join(
        f"{KEY_WORDS.get(item.key, item.key)} {item.there}, flats have {item.here}" for item in near.against
    )
    count = plural(len(group.frames), group.kind.words)
    return finding(code or "calibration_left_out", set_title(group), f"{count} not used ({set_title(group)}): {words}.")
