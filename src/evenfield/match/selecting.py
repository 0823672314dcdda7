"""Which frames may take part: flats, calibration frames, and a reason for each of the others."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence

import msgspec

from evenfield.model.frame import DARK_KINDS, FrameInfo, FrameKind, exposure_text
from evenfield.model.plan import FileUse
from evenfield.model.survey import Survey


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The frames that may take part, and what becomes of the others."""

    flats: tuple[FrameInfo, ...]
    calibration: tuple[FrameInfo, ...]
    contradicting: tuple[FrameInfo, ...]
    nameless: tuple[FrameInfo, ...]
    uses: tuple[FileUse, ...]
    lights: tuple[FrameInfo, ...] = ()
    ready_flats: tuple[FrameInfo, ...] = ()


def select_frames(
    survey: Survey, *, ignore_type: bool, named_only: Sequence[str] = (), with_lights: bool = False
) -> Selection:
    """Sort frames into flats and calibration frames; every other one gets its `FileUse`.

    Parameters
    ----------
    survey : Survey
    ignore_type : bool
        Every frame named one by one is a flat, whatever its header says.
    named_only : sequence of str
        Paths of the files to calibrate with. They may take part though they are products, masters or copies of other
        files; where nothing says what one is, it is taken as a dark flat, by the user's word.
    with_lights : bool
        Lights and ready master flats take part too.
    """
    wanted = set(named_only)
    flats: list[FrameInfo] = []
    calibration: list[FrameInfo] = []
    contradicting: list[FrameInfo] = []
    nameless: list[FrameInfo] = []
    lights: list[FrameInfo] = []
    ready: list[FrameInfo] = []
    uses = [FileUse(path=one.path, use="unreadable", code=one.code, reason=one.reason) for one in survey.unreadable]
    copies = {copy.path: copy.original for copy in survey.copies}
    named = set(survey.named) if ignore_type else set()
    from_calibration = set(survey.calibration)
    for frame in survey.frames:
        if frame.path in wanted and frame.kind in (None, *DARK_KINDS):
            calibration.append(frame if frame.kind is not None else _by_word(frame, FrameKind.DARK_FLAT))
            continue
        use = _out(frame, copies, as_flat=frame.path in named, elsewhere=frame.path in from_calibration)
        if with_lights and use is not None and use.code == "light" and frame.path not in from_calibration:
            lights.append(frame)
        elif with_lights and use is not None and use.code == "master_flat":
            ready.append(frame)
        elif use is not None:
            uses.append(use)
            if use.code == "header_says_light":
                contradicting.append(frame)
            elif use.code == "no_kind":
                nameless.append(frame)
        elif frame.path in named:
            flats.append(as_flat_frame(frame))
        elif frame.kind is FrameKind.FLAT:
            # Lights are divided by flats from anywhere; masters are made of those that were given for that.
            if frame.path in from_calibration and not with_lights:
                uses.append(_use(frame, "not_needed", "flat_in_calibration", "flat of a calibration folder"))
            else:
                flats.append(frame)
        else:
            calibration.append(frame)
    return Selection(
        flats=tuple(flats),
        calibration=tuple(calibration),
        contradicting=tuple(contradicting),
        nameless=tuple(nameless),
        uses=tuple(uses),
        lights=tuple(lights),
        ready_flats=tuple(ready),
    )


def as_flat_frame(frame: FrameInfo) -> FrameInfo:
    """The frame as a flat, known from the user."""
    return msgspec.structs.replace(_by_word(frame, FrameKind.FLAT), is_master=False)


def _by_word(frame: FrameInfo, kind: FrameKind) -> FrameInfo:
    return msgspec.structs.replace(frame, kind=kind, known_from={**frame.known_from, "kind": "user"})


def _use(frame: FrameInfo, use: str, code: str, reason: str) -> FileUse:
    return FileUse(path=frame.path, use=use, code=code, reason=reason)


def _out(frame: FrameInfo, copies: dict[str, str], *, as_flat: bool, elsewhere: bool) -> FileUse | None:
    """The use of a frame that takes no part, or ``None``. ``elsewhere``: it lies in a calibration folder."""
    if frame.path in copies:
        original = os.path.basename(copies[frame.path])
        return _use(frame, "left_out", "second_copy", f"second copy of {original}")
    if as_flat:
        return None
    processed = next((text for text in frame.problems if text.startswith("processed:")), None)
    if processed is not None:
        return _use(frame, "left_out", "processed", processed.removeprefix("processed:").strip())
    if frame.kind is None:
        return _use(frame, "left_out", "no_kind", "no kind known")
    if frame.kind is FrameKind.LIGHT:
        # In a calibration folder nobody looks for flats; and what the user says is no contradiction.
        if frame.kind_by_name is FrameKind.FLAT and frame.known_from.get("kind") != "user" and not elsewhere:
            return _use(frame, "left_out", "header_says_light", "header says Light")
        return _use(frame, "not_needed", "light", "light")
    if frame.kind is FrameKind.FLAT and frame.is_master:
        return _use(frame, "not_needed", "master_flat", "ready master flat")
    return None


def spare_reason(frame: FrameInfo) -> str:
    """What a calibration frame that nobody needs is, in words: "dark of 300 s", "bias", "ready master dark of 60 s"."""
    if frame.kind is None:
        return "frame of unknown kind"
    words = frame.kind.words
    if frame.kind in (FrameKind.DARK, FrameKind.DARK_FLAT) and frame.exposure_s is not None:
        words = f"{words} of {exposure_text(frame.exposure_s)}"
    return f"ready master {words}" if frame.is_master else words
