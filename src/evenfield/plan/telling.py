"""Which frames tell the pedestal that flats hold, where it is to be inferred (``--pedestal inferred``).

The noise of the flats themselves tells it; so do the skies of the lights that are divided by them and lost their dark.
Frames without light of the same settings tell the read noise, without which the noise of the flats is ambiguous.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

from evenfield.model.frame import FrameInfo, FrameKind
from evenfield.model.groups import FrameGroup
from evenfield.model.plan import FileUse, LightStep, Step, StepInput, Telling, TellingLights
from evenfield.model.settings import Settings
from evenfield.model.wording import plural
from evenfield.plan.digests import FrameFacts, relative_path, step_digest

MOST_LIGHTS: Final = 10
"""Lights of a step that tell: their number lowers the error until the flat's own noise rules."""

MOST_DARKS: Final = 6
"""Frames without light that tell the read noise: a pair of megapixels tells it to 0.1 %."""

WITH_DARK: Final = ("dark", "scaled_dark", "optimized_dark")
"""Lights that lost a bias only still hold dark signal, which their sky cannot tell from the flat's pedestal."""


def for_lights(settings: Settings) -> Settings:
    """The settings by which lights find their darks: the inferred pedestal is one of flats only."""
    if settings.calibration.mode != "inferred":
        return settings
    calibration = msgspec.structs.replace(settings.calibration, mode="auto")
    return msgspec.structs.replace(settings, calibration=calibration)


def with_telling(
    steps: Sequence[Step],
    *,
    lights: Sequence[LightStep],
    sets: Sequence[FrameGroup],
    frames: Mapping[str, FrameInfo],
    root: str,
    settings: Settings,
    facts: Mapping[str, FrameFacts],
) -> tuple[Step, ...]:
    """The steps, those of flats whose pedestal is inferred with what tells it.

    Parameters
    ----------
    steps : sequence of Step
        All masters, in the order in which they are made.
    lights : sequence of LightStep
        Of the same plan, as they are without the telling.
    sets : sequence of FrameGroup
        The calibration sets that were found, used or not.
    frames : mapping of str to FrameInfo
        By path relative to ``root``.
    root : str
    settings : Settings
    facts : mapping
        Of all frames, as `frame_facts` gives them.
    """
    digests: dict[str, str] = {}
    made = []
    for step in steps:
        if any(one.how == "inferred" for one in step.calibrations):
            darks, kind = _darks(frames[step.inputs[0].path], sets, root)
            lit = tuple(_telling(light, frames) for light in lights if _tells(light, step))
            telling = Telling(lights=lit, darks=darks, darks_kind=kind)
            step = _told_by(step, telling)
            digest = step_digest(step, needs=digests, hash_kind=settings.output.hash, facts=facts)
            step = msgspec.structs.replace(step, digest=digest)
        digests[step.id] = step.digest
        made.append(step)
    return tuple(made)


def with_told_uses(
    files: Sequence[FileUse], steps: Sequence[Step], *, root: str, frames: Collection[FrameInfo]
) -> tuple[FileUse, ...]:
    """What becomes of every file, where some that nothing is made of tell a pedestal."""
    ids: dict[str, list[str]] = {}
    for step in steps:
        if step.told_by is not None:
            for item in (*step.told_by.darks, *(item for one in step.told_by.lights for item in one.inputs)):
                ids.setdefault(item.path, []).append(step.id)
    if not ids:
        return tuple(files)
    telling = {frame.path: ids[path] for frame in frames if (path := relative_path(frame.path, root)) in ids}
    return tuple(
        msgspec.structs.replace(
            use, use="used", code="used", reason=f"tells the pedestal of {telling[use.path][0]}",
            steps=tuple(telling[use.path]),
        )
        if use.use == "not_needed" and use.path in telling
        else use
        for use in files
    )  # fmt: skip


def _tells(light: LightStep, step: Step) -> bool:
    return (
        light.flat is not None
        and light.flat.step == step.id
        and light.refused is None
        and any(one.how in WITH_DARK for one in light.calibrations)
    )


def _telling(light: LightStep, frames: Mapping[str, FrameInfo]) -> TellingLights:
    """Some of the lights that lost a dark, evenly spread over the time in which they were taken."""
    items = [item for item in light.inputs if light.calibrations[item.calibration].how in WITH_DARK]
    items.sort(key=lambda item: (frames[item.path].taken_at or "", item.path))
    if len(items) > MOST_LIGHTS:
        items = [items[round(number * (len(items) - 1) / (MOST_LIGHTS - 1))] for number in range(MOST_LIGHTS)]
    return TellingLights(
        inputs=tuple(items),
        calibrations=tuple(msgspec.structs.replace(one, match=None) for one in light.calibrations),
        overscan=light.overscan,
        overscan_parts=light.overscan_parts,
        trim=light.trim,
    )


def _darks(flat: FrameInfo, sets: Sequence[FrameGroup], root: str) -> tuple[tuple[StepInput, ...], FrameKind | None]:
    """Frames without light of the flat's settings, and their kind: a bias, else those of the shortest exposure."""
    alike = [
        group
        for group in sets
        if not group.is_master
        and len(group.frames) > 1
        and not any(not one.unknown for one in group.frames[0].setup.differences(flat.setup))
    ]
    if not alike:
        return (), None
    best = min(
        alike, key=lambda group: (group.kind is not FrameKind.BIAS, group.exposure_s or 0.0, group.frames[0].path)
    )
    items = tuple(
        StepInput(
            path=relative_path(frame.path, root),
            size_bytes=frame.size_bytes,
            mtime_ns=frame.mtime_ns,
            header_hash=frame.header_hash,
        )
        for frame in best.frames[:MOST_DARKS]
    )
    return items, best.kind


def _told_by(step: Step, telling: Telling) -> Step:
    """A step with what tells its pedestal, in its title too, and the masters that this needs."""
    masters = [
        ref.step
        for one in telling.lights
        for calibration in one.calibrations
        for ref in calibration.masters.values()
        if ref.step is not None
    ]
    title = telling_title(len(step.inputs), sum(len(one.inputs) for one in telling.lights))
    calibrations = tuple(
        msgspec.structs.replace(one, title=title) if one.how == "inferred" else one for one in step.calibrations
    )
    old = next(one.title for one in step.calibrations if one.how == "inferred")
    return msgspec.structs.replace(
        step,
        calibrations=calibrations,
        told_by=telling,
        needs=tuple(dict.fromkeys((*step.needs, *masters))),
        because=tuple(title if one == old else one for one in step.because),
    )


def telling_title(n_flats: int, n_lights: int) -> str:
    """Return "minus a pedestal to be inferred from 30 flats and 10 lights"."""
    flats, lights = plural(n_flats, "flat"), plural(n_lights, "light")
    return f"minus a pedestal to be inferred from {flats}{f' and {lights}' if n_lights else ''}"
