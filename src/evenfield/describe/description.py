"""From one header to a `FrameInfo`: every field, where it came from, and what was wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from evenfield.describe.cards import Cards, clean_text, shown
from evenfield.describe.dialects import KEYWORDS, MISSING_WORDS
from evenfield.describe.kinds import PICTURE_TYPES, kind_of_path, kind_of_word, master_by_name
from evenfield.describe.overrides import Override, apply_overrides
from evenfield.describe.programs import history_of, images_in_history, product_reason, programs_of
from evenfield.describe.quantities import take_numbers, take_texts
from evenfield.describe.setups import take_filter, take_setup
from evenfield.describe.times import take_longitude, take_times
from evenfield.model.frame import FrameInfo, FrameKind
from evenfield.model.header import RawHeader

PROCESSED: Final = "processed: "
"""What a problem begins with that says that the file is a product and no raw frame."""

_CELESTIAL_FRAMES: Final = frozenset(("fk4", "fk5", "icrs", "gappt"))
_LEVELS_UP: Final = 3


def describe_frame(header: RawHeader, *, overrides: Sequence[Override] = ()) -> FrameInfo:
    """Say what a frame is, from its header, its name and its folders.

    Parameters
    ----------
    header : RawHeader
    overrides : sequence of Override
        The user's corrections; later ones win.

    Returns
    -------
    FrameInfo
        Numbers are finite or ``None``; what could not be understood is a sentence in ``problems``. ``setup.cfa`` is
        the mosaic at the first stored pixel (offsets and ROWORDER applied). ``pedestal_adu`` is the value that was
        added to the data, whichever sign the program wrote. ``kind_by_name`` is what the file's name says, else its
        nearest folder, up to three levels, whether or not a keyword decided. A problem that begins with "processed: "
        says that the file is a product of some program and no raw frame; naming its kind in an override lifts that.
    """
    cards = Cards(header)
    known = cards.known
    programs = programs_of(cards)
    folders, stem = _split_path(header.path)
    by_name, name_source = kind_of_path(folders, stem=stem)
    kind, is_master = _kind(cards, by_name, name_source)
    history = history_of(cards, history=header.history)
    n_combined = _n_combined(cards, history)
    is_master = is_master or _master(cards, stem, kind, n_combined, history)
    filter_text, filter_cfa = take_filter(cards)
    setup = take_setup(cards, header=header, programs=programs, filter_cfa=filter_cfa)
    taken_at, local_at, ahead = take_times(cards)
    numbers = take_numbers(cards, programs=programs)
    texts = take_texts(cards)
    longitude = take_longitude(cards, programs=programs, ahead_minutes=ahead)
    contains_bias = cards.values.get("EVFBIAS")
    if isinstance(contains_bias, bool):
        known["contains_bias"] = "EVFBIAS"
    reason = None
    if not is_master:
        reason = product_reason(cards, stem=stem, kind=kind, history=history, filter_name=filter_text)
    elif kind is FrameKind.LIGHT:
        reason = f"an integrated picture ({known['is_master']})"
    frame = FrameInfo(
        path=header.path,
        kind=kind,
        is_master=is_master,
        setup=setup,
        filter=filter_text,
        taken_at=taken_at,
        local_at=local_at,
        site_longitude_deg=longitude,
        program=programs[0].name or None if programs else None,
        n_combined=n_combined,
        contains_bias=contains_bias if isinstance(contains_bias, bool) else None,
        kind_by_name=by_name,
        sample=header.sample,
        known_from=known,
        problems=(*cards.problems, PROCESSED + reason) if reason else tuple(cards.problems),
        size_bytes=header.size_bytes,
        mtime_ns=header.mtime_ns,
        header_hash=header.header_hash,
        **numbers,
        **texts,
    )
    if not overrides:
        return frame
    return _vouched(apply_overrides(frame, overrides=overrides))


def _split_path(path: str) -> tuple[list[str], str]:
    """The names of the nearest folders, nearest first, and the file's name without its endings."""
    parts = path.replace("\\", "/").split("/")
    stem = parts[-1]
    for ending in (".fz", ".gz", ".bz2"):
        stem = stem.removesuffix(ending)
    stem = stem.rpartition(".")[0] or stem
    return parts[-2 : -2 - _LEVELS_UP : -1], stem


def _kind(cards: Cards, by_name: FrameKind | None, name_source: str) -> tuple[FrameKind | None, bool]:
    """The kind and whether it is called a master: by keyword, else by name.

    A keyword with a word that is no kind ("ARC") leaves the kind unknown: the name must not turn it into a flat.
    """
    unknown: str | None = None
    if by_name is not None:
        cards.known["kind_by_name"] = name_source
    for keyword in KEYWORDS["kind"]:
        value = cards.values.get(keyword)
        if value is None or isinstance(value, bool):
            continue
        if isinstance(value, str):
            text = clean_text(value)
            lower = text.lower()
            if lower in MISSING_WORDS or lower in _CELESTIAL_FRAMES:
                continue
            if "processed" in lower:
                # A product, whatever its name: `product_reason` says so.
                return None, False
            kind, master = kind_of_word(text)
        elif keyword == "PICTTYPE":
            if value == 0:
                continue
            kind, master = PICTURE_TYPES.get(value) if isinstance(value, int) else None, False
        else:
            continue
        if kind is not None:
            cards.known["kind"] = keyword
            if master:
                cards.known["is_master"] = keyword
            return kind, master
        unknown = unknown or f"{keyword} {shown(value)} is no kind of frame that evenfield knows."
    if unknown is not None:
        cards.problems.append(unknown)
        return None, False
    if by_name is not None:
        cards.known["kind"] = name_source
    return by_name, False


def _n_combined(cards: Cards, history: str) -> int | None:
    """How many frames were combined into this one."""
    number = cards.number("n_combined", KEYWORDS["n_combined"], low=0.0, high=1e6)
    if number:
        return int(number)
    cards.known.pop("n_combined", None)
    images = images_in_history(history)
    if images is not None:
        cards.known["n_combined"] = "HISTORY"
    return images


def _master(cards: Cards, stem: str, kind: FrameKind | None, n_combined: int | None, history: str) -> bool:
    """Whether a frame is a combination of others by anything but its kind's name."""
    source = None
    if n_combined is not None and n_combined > 1:
        source = cards.known["n_combined"]
    elif master_by_name(stem):
        source = "file name"
    elif "imageintegration" in history and kind not in (None, FrameKind.LIGHT):
        source = "HISTORY"
    elif "COMMENT" in cards.values and any(
        name == "COMMENT" and isinstance(value, str) and value.lstrip()[:7].lower() == "master "
        for name, value in cards.all
    ):
        source = "COMMENT"
    if source is None:
        return False
    cards.known["is_master"] = source
    return True


def _vouched(frame: FrameInfo) -> FrameInfo:
    """The frame without its "processed" marks if the user named its kind: then it is what the user says."""
    if frame.known_from.get("kind") != "user" and frame.known_from.get("is_master") != "user":
        return frame
    if not any(problem.startswith(PROCESSED) for problem in frame.problems):
        return frame
    problems = tuple(
        "by the user's word raw, though " + problem.removeprefix(PROCESSED)
        if problem.startswith(PROCESSED)
        else problem
        for problem in frame.problems
    )
    return msgspec.structs.replace(frame, problems=problems)
