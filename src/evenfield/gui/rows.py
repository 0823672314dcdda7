"""The rows of the table of frames, and its columns: plain values, made beside the window's thread."""

from __future__ import annotations

import dataclasses
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from evenfield.gui.words import mark, tr
from evenfield.match.nights import assign_nights
from evenfield.model.catalogue import CATALOGUE
from evenfield.model.frame import FrameInfo, FrameKind, exposure_text, key_text
from evenfield.model.literal import literal
from evenfield.model.plan import FileUse, LightStep, Plan
from evenfield.model.survey import LevelMeasurement

NaturalKey: TypeAlias = tuple[str | int, ...]


def natural_key(name: str) -> NaturalKey:
    """A key that sorts names as people do: "flat_2" before "flat_10"."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return tuple(int(part) if place % 2 else part for place, part in enumerate(parts))


@dataclasses.dataclass(slots=True)
class Row:
    """One file: what its header says, and what becomes of it.

    ``place`` sorts the rows by default: those that need an answer, then by master, then by time. ``node`` is the group
    of the tree that the file is in: the id of a step, or the name of a use.
    """

    path: str
    name: str
    frame: FrameInfo | None
    use: FileUse | None
    night: str | None
    asks: bool
    node: str
    order: NaturalKey | int
    place: tuple[Any, ...]
    level: LevelMeasurement | None = None
    search: str = ""
    use_words: str = ""

    @property
    def takes_part(self) -> bool:
        """Whether the file is used."""
        return self.use is not None and self.use.use == "used"

    @property
    def excluded(self) -> bool:
        """Whether the user left the file out."""
        return self.use is not None and self.use.code == "excluded"


KIND_WORDS: Final = {
    "bias": mark("bias"), "dark": mark("dark"), "dark_flat": mark("dark flat"), "flat": mark("flat"),
    "light": mark("light"),
}  # fmt: skip
"""Value of a `FrameKind` -> what such a frame is called."""

MASTER_WORDS: Final = {
    "bias": mark("master bias"), "dark": mark("master dark"), "dark_flat": mark("master dark flat"),
    "flat": mark("master flat"), "light": mark("master light"),
}  # fmt: skip
"""Value of a `FrameKind` -> what a master of such frames is called."""

_USES: Final = {
    "not_needed": mark("not needed: {}"), "left_out": mark("left out: {}"), "unreadable": mark("unreadable: {}"),
}  # fmt: skip


def kind_words(kind: str) -> str:
    """What frames of a kind are called, by its value: "dark flat" for "dark_flat"."""
    return tr(KIND_WORDS[kind]) if kind in KIND_WORDS else kind.replace("_", " ")


def use_text(use: FileUse | None) -> str:
    """What becomes of a file, in words: "flat of master_flat_Ha", "left out: header says Light"."""
    if use is None:
        return ""
    if use.use == "used":
        # The column is narrow, and all masters are masters.
        return literal(use.reason.replace(" of master_flat_", " of ").replace(" of master_", " of "))
    entry = CATALOGUE.get(use.code)
    reason = entry.short if entry is not None and entry.short else use.reason
    return tr(_USES[use.use]).format(literal(reason))


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A column: its text, and what it is sorted by (``None``: unknown, sorted last). ``folds``: see `folded`."""

    key: str
    title: str
    text: Callable[[Row], str]
    value: Callable[[Row], Any]
    folds: bool = False
    width: int = 60


def _setup(key: str) -> Callable[[Row], Any]:
    return lambda row: None if row.frame is None else getattr(row.frame.setup, key)


def _setup_text(key: str) -> Callable[[Row], str]:
    def text(row: Row) -> str:
        value = None if row.frame is None else getattr(row.frame.setup, key)
        return "?" if value is None else literal(key_text(key, value) or "?")

    return text


def row_kind(row: Row) -> str:
    """What kind of frame a file is, in words; "-" where it cannot be read."""
    if row.frame is None:
        return "-"
    kind = row.frame.kind
    if kind is None:
        return tr("master ?") if row.frame.is_master else "?"
    return tr(MASTER_WORDS[kind]) if row.frame.is_master else tr(KIND_WORDS[kind])


def _of_frame(key: str) -> Callable[[Row], Any]:
    return lambda row: None if row.frame is None else getattr(row.frame, key)


def _exposure(row: Row) -> str:
    if row.frame is None or row.frame.exposure_s is None:
        return "?"
    return exposure_text(row.frame.exposure_s)


def _temperature(row: Row) -> str:
    if row.frame is None or row.frame.temperature_c is None:
        return "?"
    return f"{row.frame.temperature_c:.1f}"


def level_text(level: LevelMeasurement | None) -> str:
    """The mean level and its share of full scale: "31,204  48 %"."""
    if level is None:
        return "-"
    if level.mean_adu is None:
        return "?"
    share = "" if level.share is None else f"  {100 * level.share:.0f} %"
    return f"{level.mean_adu:,.0f}{share}"


def _filter(row: Row) -> str:
    return "-" if row.frame is None or row.frame.filter is None else literal(row.frame.filter)


COLUMNS: Final = (
    Column("name", mark("Name"), lambda row: literal(row.name), lambda row: row.order, width=150),
    Column("kind", mark("Kind"), row_kind, row_kind, width=44),
    Column("filter", mark("Filter"), _filter, _of_frame("filter"), width=38),
    Column("exposure", mark("Exp."), _exposure, _of_frame("exposure_s"), width=50),
    Column("temperature", mark("Temp."), _temperature, _of_frame("temperature_c"), width=46),
    Column("level", mark("Level"), lambda row: level_text(row.level),
           lambda row: None if row.level is None else row.level.mean_adu, width=92),
    Column("shape", mark("Size"), _setup_text("shape"), _setup("shape"), folds=True, width=96),
    Column("binning", mark("Binning"), _setup_text("binning"), _setup("binning"), folds=True),
    Column("gain_setting", mark("Gain"), _setup_text("gain_setting"), _setup("gain_setting"), folds=True, width=42),
    Column("offset_setting", mark("Offset"), _setup_text("offset_setting"), _setup("offset_setting"), folds=True),
    Column("camera", mark("Camera"), _setup_text("camera"), _setup("camera"), folds=True, width=130),
    Column("night", mark("Night"), lambda row: row.night or "?", lambda row: row.night, folds=True, width=86),
    Column("use", mark("Use"), lambda row: row.use_words, lambda row: row.use_words, width=120),
)  # fmt: skip
"""The columns of the table, behind that of the ticks."""


def folded(rows: Iterable[Row]) -> dict[str, str]:
    """The columns that need no place, since all frames agree: key -> the text that stands above the table."""
    known = [row for row in rows if row.frame is not None]
    found = {}
    for column in COLUMNS:
        if column.folds:
            values = {column.value(row) for row in known}
            if len(values) == 1:
                found[column.key] = column.text(known[0])
            elif not values:
                found[column.key] = "?"
    return found


def usual_values(rows: Iterable[Row]) -> dict[str, Any]:
    """For each column that can be folded the value that most frames have: the others are marked."""
    known = [row for row in rows if row.frame is not None]
    found = {}
    for column in COLUMNS:
        if column.folds and known:
            found[column.key] = Counter(column.value(row) for row in known).most_common(1)[0][0]
    return found


FOLDED_WORDS: Final = {
    "binning": mark("binning {}"),
    "gain_setting": mark("gain {}"),
    "offset_setting": mark("offset {}"),
    "night": mark("night {}"),
}
"""How the value of a folded column reads where its title does not stand beside it."""


def folded_line(values: Mapping[str, str]) -> str:
    """The line above the table: "All: 6248 x 4176, binning 1x1, gain 100, offset 50, ZWO ASI2600MM Pro"."""
    known = {key: text for key, text in values.items() if text != "?"}
    shown = [tr(FOLDED_WORDS[key]).format(text) if key in FOLDED_WORDS else text for key, text in known.items()]
    return tr("All: {}").format(", ".join(shown)) if shown else ""


LATE: Final = "9999"


def plan_rows(plan: Plan, levels: Mapping[str, LevelMeasurement]) -> list[Row]:
    """The rows of a plan, in their default order."""
    asking = {one.code for one in (*plan.findings, *(f for step in plan.all_steps for f in step.findings)) if one.fix}
    # As in the tree: what was asked for, then what it needs.
    steps = sorted(plan.all_steps, key=lambda step: (not isinstance(step, LightStep), step.kind is not FrameKind.FLAT))
    places = {step.id: place for place, step in enumerate(steps)}
    frames = {frame.path: frame for frame in plan.frames}
    nights = assign_nights(plan.frames).night
    rows = []
    for use in plan.files:
        asks = use.use == "left_out" and use.code in asking
        step = use.steps[0] if use.steps else None
        row = _row(use.path, frames.get(use.path), use, nights.get(use.path), levels)
        row.asks, row.node = asks, step or use.use
        row.place = (not asks, places.get(step or "", len(places)), *row.place)
        rows.append(row)
    rows.sort(key=lambda row: row.place)
    _number(rows)
    return rows


def _number(rows: Sequence[Row]) -> None:
    """Give each row its place by name: numbers are compared sooner than names."""
    for place, row in enumerate(sorted(rows, key=lambda row: (row.order, row.path))):
        row.order = place


def found_rows(frames: Sequence[FrameInfo]) -> list[Row]:
    """Rows of frames that have just been found, while others are still read."""
    return [_row(frame.path, frame, None, None, {}) for frame in frames]


def _row(
    path: str,
    frame: FrameInfo | None,
    use: FileUse | None,
    night: str | None,
    levels: Mapping[str, LevelMeasurement],
) -> Row:
    name = os.path.basename(path)
    natural = natural_key(name)
    taken = LATE if frame is None else frame.taken_at or frame.local_at or LATE
    row = Row(
        path=path, name=name, frame=frame, use=use, night=night, asks=False, node="", order=natural,
        place=(taken, natural, path), level=levels.get(path),
    )  # fmt: skip
    row.use_words = use_text(use)
    row.search = " ".join((name, row_kind(row), _filter(row), row.use_words)).casefold()
    return row
