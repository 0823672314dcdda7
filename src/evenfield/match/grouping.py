"""Frames to groups: what must be equal always splits, the other keys by choice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from evenfield.match.clusters import angle_clusters, exposure_clusters, mean_angle, temperature_clusters
from evenfield.model.frame import SETUP_KEYS, FrameInfo, FrameKind
from evenfield.model.groups import FrameGroup
from evenfield.model.plan import KeyValue
from evenfield.model.settings import GroupSettings

OPTICS_KEYS = ("telescope", "focal_length_mm")
"""Keys of the optics; they always split flats."""


def group_flats(
    frames: Sequence[FrameInfo], *, settings: GroupSettings, night_of: dict[str, str | None]
) -> tuple[FrameGroup, ...]:
    """Split flats into groups that each make one master, in the order of night and filter.

    The key of a group holds the value of every setup key, of the optics, and of the grouping keys in force; the value
    of a cluster is its mean.
    """
    if settings.no_grouping:
        key = _shared(frames) | {"night": _span([night_of.get(frame.path) for frame in frames])}
        return (FrameGroup(kind=FrameKind.FLAT, key=key, frames=_ordered(frames)),) if frames else ()
    keys = settings.keys
    groups = _split(frames, lambda frame: _must_equal(frame, (*SETUP_KEYS, *OPTICS_KEYS)))
    if "filter" in keys:
        groups = _resplit(groups, lambda frame: (frame.filter,))
    if "night" in keys:
        groups = _resplit(groups, lambda frame: (night_of.get(frame.path),))
    if "set_temperature" in keys:
        groups = _resplit(groups, lambda frame: (frame.set_c,))
    labels: dict[str, dict[str, float]] = {}
    if "rotator" in keys:
        groups = _recluster(groups, "rotator_deg", angle_clusters, labels)
    if "temperature" in keys:
        width = settings.temperature_width
        groups = _recluster(groups, "temperature_c", lambda values: temperature_clusters(values, width_c=width), labels)
    if "exposure" in keys:
        groups = _recluster(groups, "exposure_s", exposure_clusters, labels)
    made = [
        FrameGroup(kind=FrameKind.FLAT, key=_flat_key(group, keys, night_of, labels), frames=_ordered(group))
        for group in groups
    ]
    return tuple(sorted(made, key=_group_order))


def group_lights(frames: Sequence[FrameInfo], *, night_of: dict[str, str | None]) -> tuple[FrameGroup, ...]:
    """Split lights into groups that are divided by one flat: of one setup, optics, filter, night and rotator angle."""
    groups = _split(frames, lambda frame: _must_equal(frame, (*SETUP_KEYS, *OPTICS_KEYS)))
    groups = _resplit(groups, lambda frame: (frame.filter, night_of.get(frame.path)))
    labels: dict[str, dict[str, float]] = {}
    groups = _recluster(groups, "rotator_deg", angle_clusters, labels)
    made = [
        FrameGroup(
            kind=FrameKind.LIGHT,
            key=_flat_key(group, ("filter", "night", "rotator"), night_of, labels),
            frames=_ordered(group),
        )
        for group in groups
    ]
    return tuple(sorted(made, key=_group_order))


def ready_flats(frames: Sequence[FrameInfo], *, night_of: dict[str, str | None]) -> tuple[FrameGroup, ...]:
    """Each ready master flat as a group of its own."""
    made = [
        FrameGroup(
            kind=FrameKind.FLAT,
            key=_flat_key([frame], ("filter", "night"), night_of, {}),
            frames=(frame,),
            is_master=True,
        )
        for frame in frames
    ]
    return tuple(sorted(made, key=_group_order))


def calibration_sets(frames: Sequence[FrameInfo], *, temperature_width: float) -> tuple[FrameGroup, ...]:
    """Split bias, darks and dark flats into sets that each make one master; a ready master is a set of its own.

    Sets share every setup key, the kind, the exposure cluster, the set temperature and the cluster of the measured
    temperature (slow drift gives several sets). Nights do not split them: dark signal belongs to the sensor, not to
    the night.
    """
    sets = [
        FrameGroup(kind=frame.kind, key=_dark_key([frame]), frames=(frame,), is_master=True)
        for frame in frames
        if frame.is_master and frame.kind is not None
    ]
    raw = [frame for frame in frames if not frame.is_master]
    groups = _split(raw, lambda frame: (frame.kind, *_must_equal(frame, SETUP_KEYS)))
    groups = _resplit(groups, lambda frame: (frame.set_c,))
    groups = _recluster(groups, "exposure_s", exposure_clusters, {})
    groups = _recluster(
        groups, "temperature_c", lambda values: temperature_clusters(values, width_c=temperature_width), {}
    )
    for group in groups:
        kind = group[0].kind
        if kind is not None:
            sets.append(FrameGroup(kind=kind, key=_dark_key(group), frames=_ordered(group)))
    return tuple(sorted(sets, key=_group_order))


def _must_equal(frame: FrameInfo, keys: Iterable[str]) -> tuple[object, ...]:
    return tuple(getattr(frame.setup if key in SETUP_KEYS else frame, key) for key in keys)


def _split(frames: Iterable[FrameInfo], key: Callable[[FrameInfo], tuple[object, ...]]) -> list[list[FrameInfo]]:
    found: dict[tuple[object, ...], list[FrameInfo]] = {}
    for frame in frames:
        found.setdefault(key(frame), []).append(frame)
    return list(found.values())


def _resplit(groups: list[list[FrameInfo]], key: Callable[[FrameInfo], tuple[object, ...]]) -> list[list[FrameInfo]]:
    return [part for group in groups for part in _split(group, key)]


def _recluster(
    groups: list[list[FrameInfo]],
    field: str,
    clusters: Callable[[Sequence[float]], tuple[int, ...]],
    labels: dict[str, dict[str, float]],
) -> list[list[FrameInfo]]:
    """Split each group by clusters of a measured field; frames without a value stay together."""
    made: list[list[FrameInfo]] = []
    means = labels.setdefault(field, {})
    for group in groups:
        known = [frame for frame in group if getattr(frame, field) is not None]
        unknown = [frame for frame in group if getattr(frame, field) is None]
        values = [getattr(frame, field) for frame in known]
        parts: dict[int, list[FrameInfo]] = {}
        for frame, label in zip(known, clusters(values) if values else (), strict=True):
            parts.setdefault(label, []).append(frame)
        for part in parts.values():
            found = [getattr(frame, field) for frame in part]
            mean = mean_angle(found) if field == "rotator_deg" else sum(found) / len(found)
            means.update({frame.path: round(mean, 3) for frame in part})
            made.append(part)
        if unknown:
            made.append(unknown)
    return made


def _ordered(frames: Sequence[FrameInfo]) -> tuple[FrameInfo, ...]:
    # The canonical order: results do not depend on the order in which files were given.
    return tuple(sorted(frames, key=lambda frame: (frame.taken_at or "", frame.path)))


def _setup_key(frames: Sequence[FrameInfo]) -> dict[str, KeyValue]:
    return {key: getattr(frames[0].setup, key) for key in SETUP_KEYS}


def _flat_key(
    frames: Sequence[FrameInfo],
    keys: Sequence[str],
    night_of: dict[str, str | None],
    labels: dict[str, dict[str, float]],
) -> dict[str, KeyValue]:
    first = frames[0]
    key = _setup_key(frames)
    key.update({name: getattr(first, name) for name in OPTICS_KEYS})
    if "filter" in keys:
        key["filter"] = first.filter
    else:
        key["filter"] = _joined(frame.filter for frame in frames)
    nights = [night_of.get(frame.path) for frame in frames]
    key["night"] = nights[0] if "night" in keys else _span(nights)
    if "set_temperature" in keys:
        key["set_c"] = first.set_c
    if "rotator" in keys:
        key["rotator_deg"] = labels["rotator_deg"].get(first.path)
    if "temperature" in keys:
        key["temperature_c"] = labels["temperature_c"].get(first.path)
    if "exposure" in keys:
        key["exposure_s"] = labels["exposure_s"].get(first.path)
    return key


def _shared(frames: Sequence[FrameInfo]) -> dict[str, KeyValue]:
    if not frames:
        return {}
    key: dict[str, KeyValue] = {}
    for name in SETUP_KEYS:
        values = {getattr(frame.setup, name) for frame in frames}
        key[name] = values.pop() if len(values) == 1 else None
    key["filter"] = _joined(frame.filter for frame in frames)
    return key


def _joined(values: Iterable[str | None]) -> str | None:
    known = sorted({value for value in values if value is not None})
    return "+".join(known) if known else None


def _span(nights: Sequence[str | None]) -> str | None:
    known = sorted({night for night in nights if night is not None})
    if len(known) > 1:
        return f"{known[0]}_to_{known[-1]}"
    return known[0] if known else None


def _dark_key(frames: Sequence[FrameInfo]) -> dict[str, KeyValue]:
    key = _setup_key(frames)
    exposures = [frame.exposure_s for frame in frames if frame.exposure_s is not None]
    temperatures = [frame.temperature_c for frame in frames if frame.temperature_c is not None]
    key["exposure_s"] = round(sum(exposures) / len(exposures), 6) if exposures else None
    key["set_c"] = frames[0].set_c
    key["temperature_c"] = round(sum(temperatures) / len(temperatures), 3) if temperatures else None
    return key


def _group_order(group: FrameGroup) -> tuple[object, ...]:
    key = group.key
    exposure = key.get("exposure_s")
    return (
        str(key.get("night") or ""),
        str(key.get("filter") or "").casefold(),
        str(key.get("filter") or ""),
        group.kind.value,
        exposure if isinstance(exposure, float) else -1.0,
        group.frames[0].taken_at or "",
        group.frames[0].path,
    )
