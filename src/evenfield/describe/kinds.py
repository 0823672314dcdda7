"""What a frame is: the words for kinds in headers, and in the names of files and folders."""

from __future__ import annotations

import functools
import re
from typing import Final

from evenfield.model.frame import FrameKind

_BIAS, _DARK, _DARK_FLAT, _FLAT, _LIGHT = (
    FrameKind.BIAS, FrameKind.DARK, FrameKind.DARK_FLAT, FrameKind.FLAT, FrameKind.LIGHT,
)  # fmt: skip

KIND_WORDS: Final[dict[str, FrameKind]] = {
    **dict.fromkeys(("darkflat", "darkflats", "flatdark", "flatdarks", "darkforflat", "darkforflats"), _DARK_FLAT),
    **dict.fromkeys(("darksforflat", "darksforflats"), _DARK_FLAT),
    **dict.fromkeys(("bias", "biases", "offset", "offsets", "zero", "zeros"), _BIAS),
    **dict.fromkeys(("dark", "darks"), _DARK),
    **dict.fromkeys(
        ("flat", "flats", "flatfield", "flatfields", "skyflat", "skyflats", "domeflat", "domeflats"), _FLAT
    ),
    **dict.fromkeys(
        ("twilight", "twilightflat", "twilightflats", "panelflat", "panelflats", "lampflat", "internalflat"), _FLAT
    ),
    **dict.fromkeys(("flatsky", "flatdome", "flatlamp", "dflat", "sflat", "pflat"), _FLAT),
    **dict.fromkeys(("light", "lights", "object", "science", "expose", "exposure", "target", "standard"), _LIGHT),
    **dict.fromkeys(("tricolor", "snapshot"), _LIGHT),
}
"""A kind as headers name it, letters only, lower case, without "master" and "frame"."""

PICTURE_TYPES: Final = {1: _LIGHT, 2: _BIAS, 3: _DARK, 4: _FLAT, 5: _LIGHT}
"""PICTTYPE of SBIG's FITS extensions (MaxIm DL, TheSkyX); 5 is a colour composite's exposure."""

NAME_WORDS: Final[dict[str, FrameKind]] = {
    word: kind
    for word, kind in KIND_WORDS.items()
    if word not in {"object", "expose", "exposure", "target", "standard", "twilight", "snapshot", "tricolor"}
}
"""The same for names of files and folders, without the words that name other things there."""

_FIRST_ONLY: Final = frozenset(("offset", "zero"))
# "Dark_Nebula", "Flat_Panel" and the like: the second word says that the first is no kind.
_NOT_A_KIND: Final = frozenset((
    ("dark", "nebula"), ("dark", "nebulae"), ("dark", "sky"), ("dark", "site"), ("light", "panel"), ("light", "box"),
))  # fmt: skip
_FRAME_WORDS: Final = frozenset(("frame", "frames", "image", "images"))
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_GLUED: Final = re.compile(r"(master|super)?(.+?)(frames?)?")
_TAIL: Final = re.compile(r"frames?$|images?$")
# MasterDarkMaker and MasterFlatMaker name their products "BIAS-SigmaClip2.0-...", "FLAT-Minmax-...".
_COMBINED_NAME: Final = re.compile(
    r"(?:bias|dark|flat)-(?:mean|median|min-?max|sigma-?clip)[-\d.]|.*[_-]stacked$", re.IGNORECASE | re.ASCII
)


@functools.lru_cache(maxsize=1024)
def kind_of_word(text: str) -> tuple[FrameKind | None, bool]:
    """The kind that a header's text names, and whether it names a master.

    Case, blanks, dashes and underscores do not count: "Dark_flat", "DARK FLAT" and "darkflat" are one; "frame",
    "field" and "image" may follow, "master" may stand before or after. An unknown text gives (``None``, ``False``).
    """
    words = [word.lower() for word in _LETTERS.findall(text)]
    master = "master" in words
    letters = "".join(word for word in words if word != "master" and word not in _FRAME_WORDS)
    kind = KIND_WORDS.get(letters)
    if kind is None and letters.startswith("master"):
        letters, master = letters[len("master") :], True
        kind = KIND_WORDS.get(letters)
    if kind is None:
        kind = KIND_WORDS.get(_TAIL.sub("", letters))
    return (kind, master) if kind is not None else (None, False)


def kind_of_file(stem: str) -> FrameKind | None:
    """The kind that a file's name (without its ending) tells; where it names several, the first of them counts."""
    kinds = _kinds_in(stem)
    if not kinds:
        return None
    if kinds[0] in (_DARK, _FLAT) and {_DARK, _FLAT} <= set(kinds):
        # "flat_Ha_dark_0001": both words about one frame mean the dark of a flat.
        return _DARK_FLAT
    return kinds[0]


@functools.lru_cache(maxsize=1024)
def kind_of_folder(name: str) -> FrameKind | None:
    """The kind that a folder's name tells; ``None`` also where it names several ("Darks Flats Lights")."""
    kinds = set(_kinds_in(name))
    return kinds.pop() if len(kinds) == 1 else None


def master_by_name(stem: str) -> bool:
    """Whether a file's name says that it is a master: it starts with "master", or as other programs name theirs."""
    return stem[:6].lower() == "master" or _COMBINED_NAME.match(stem) is not None


def kind_of_path(folders: list[str], *, stem: str) -> tuple[FrameKind | None, str]:
    """The kind that the file's name tells, else its nearest folder that tells one; and which of the two it was.

    ``folders`` come nearest first. The file's name goes first because it is about this one file.
    """
    kind = kind_of_file(stem)
    if kind is not None:
        return kind, "file name"
    for name in folders:
        kind = kind_of_folder(name)
        if kind is not None:
            return kind, "folder"
    return None, ""


def _kinds_in(name: str) -> list[FrameKind]:
    """Every kind that a name mentions, in its order; "dark" and "flat" in one compound are a dark flat."""
    words = [word.lower() for part in _CAMEL.split(name) for word in _LETTERS.findall(part)]
    found: list[FrameKind] = []
    position = 0
    while position < len(words):
        kind, used = _kind_at(words, position)
        if kind is not None:
            found.append(kind)
        position += used
    return found


def _kind_at(words: list[str], position: int) -> tuple[FrameKind | None, int]:
    """The kind named by the words from a position on, and how many words it took."""
    glued = _GLUED.fullmatch(words[position])
    word = glued[2] if glued is not None else words[position]
    following = words[position + 1 : position + 3]
    if word in ("dark", "flat") and following:
        # A plural first word ("darks_flats") is a list, not a compound.
        if following[0] in _OTHER_HALF[word]:
            return _DARK_FLAT, 2
        if following[0] == "field" and word == "flat":
            return _FLAT, 2
    if word in ("dark", "darks") and following[:1] == ["for"] and following[1:] in (["flat"], ["flats"]):
        return _DARK_FLAT, 3
    if following and (word, following[0]) in _NOT_A_KIND:
        return None, 2
    if word in _FIRST_ONLY and words[:position] not in ([], ["master"]):
        # "..._Gain100_Offset50_...": a setting, not a kind.
        return None, 1
    return NAME_WORDS.get(word), 1


_OTHER_HALF: Final = {"dark": ("flat", "flats"), "flat": ("dark", "darks")}
