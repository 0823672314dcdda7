"""How a flat lies on lights, in words: first what the eye will see, then cause and mend, then the numbers."""

from __future__ import annotations

import math

from evenfield.examine.fingerprint import Order
from evenfield.examine.geometry import Geometry, Lies
from evenfield.examine.motes import Fate, Mote
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding
from evenfield.model.wording import plural


def geometry_findings(geometry: Geometry, *, subject: str, shape: tuple[int, int]) -> tuple[Finding, ...]:
    """The findings about a flat's place on the lights; none where it lies well.

    Parameters
    ----------
    geometry : Geometry
    subject : str
        The flat's name.
    shape : (int, int)
        Rows and columns of the frame, for how far twins lie at the edges.
    """
    found = []
    if geometry.lies is Lies.UNKNOWN:
        text = f"{subject}: no dust will show where it should not, as far as can be told: {geometry.reason}."
        found.append(finding("flat_place_unknown", subject, text))
    elif geometry.lies is Lies.FLIPPED:
        found.append(finding("flat_flipped", subject, f"{subject}: {_flipped(geometry)} {_numbers(geometry)}."))
    elif geometry.lies in (Lies.TURNED, Lies.TURNED_AND_SHIFTED):
        found.append(finding("flat_rotated", subject, f"{subject}: {_rotated(geometry, shape)} {_numbers(geometry)}."))
    elif geometry.lies is Lies.SHIFTED:
        found.append(finding("flat_shifted", subject, f"{subject}: {_shifted(geometry)} {_numbers(geometry)}."))
    if geometry.motes:
        found.append(finding("dust_moved", subject, f"{subject}: {_moved(geometry)}"))
    return tuple(found)


def _flipped(geometry: Geometry) -> str:
    what = "rows" if geometry.order is Order.ROWS else "columns"
    across = "above or below" if what == "rows" else "left or right"
    return (
        f"each dust shadow in your lights stays, with a bright twin mirrored {across} of the middle: the flat's {what} "
        f"are in reverse order"
    )


def _rotated(geometry: Geometry, shape: tuple[int, int]) -> str:
    reach = 2.0 * math.sin(math.radians(abs(geometry.angle_deg)) / 2.0) * math.hypot(*shape) / 2.0
    way = "counterclockwise" if geometry.angle_deg > 0 else "clockwise"
    by = f"{abs(geometry.angle_deg):.1f} degrees {way}" if abs(geometry.angle_deg) < 180.0 else "180 degrees"
    text = f"each dust shadow in your lights will have a bright twin, up to {reach:.0f} px away in the corners: "
    text += f"the flat is rotated by {by}"
    if geometry.lies is Lies.TURNED_AND_SHIFTED:
        text += f" and shifted by {where_shifted(geometry.shift_px)}"
    return text


def _shifted(geometry: Geometry) -> str:
    cause = "the file was cut elsewhere" if geometry.by_pixels else "the flat is shifted"
    return f"each dust shadow in your lights will have a bright twin {where_shifted(geometry.shift_px)}: {cause}"


def where_shifted(shift_px: tuple[float, float]) -> str:
    """The words for a shift: 12 px to the left, 3.1 px down and 12 px to the left."""
    down, right = shift_px
    parts = [(abs(down), "down" if down > 0 else "up"), (abs(right), "to the right" if right > 0 else "to the left")]
    told = [
        f"{_pixels(size)} px {way}" for size, way in parts if size >= 0.25 * max(abs(down), abs(right)) and size > 0
    ]
    return " and ".join(told)


def _pixels(size: float) -> str:
    return f"{size:.1f}" if size < 10.0 else f"{size:.0f}"


def _numbers(geometry: Geometry) -> str:
    told = []
    if geometry.angle_error_deg:
        told.append(f"angle {geometry.angle_deg:.2f} +- {geometry.angle_error_deg:.2f} degrees")
    if geometry.shift_error_px is not None and max(geometry.shift_error_px) > 0:
        pairs = zip(("down", "right"), geometry.shift_px, geometry.shift_error_px, strict=True)
        told += [f"{way} {value:.1f} +- {error:.1f} px" for way, value, error in pairs]
    told.append(f"{geometry.scatters:.0f} sigma")
    told.append(
        "seen in the pixels themselves" if geometry.by_pixels else f"{plural(geometry.n_shadows, 'shadow')} compared"
    )
    return f"({', '.join(told)})"


def _moved(geometry: Geometry) -> str:
    gone, new, moved = (
        tuple(m for m in geometry.motes if m.fate is fate) for fate in (Fate.GONE, Fate.NEW, Fate.MOVED)
    )
    parts = []
    if moved:
        text = f"{plural(len(moved), 'dust shadow')} will look embossed, dark with a bright twin"
        common = _common(moved)
        parts.append(text + (f" {where_shifted(common)}" if common is not None else ""))
    if gone:
        parts.append(f"{plural(len(gone), 'bright spot')} will be where dust was in the flats only")
    if new:
        parts.append(f"{plural(len(new), 'dark spot')} will stay where dust is in the lights only")
    first = max(geometry.motes, key=lambda mote: mote.scatters)
    where = f"the surest at row {first.row:.0f}, column {first.column:.0f}, {100 * abs(first.depth):.1f} % deep"
    return f"{', '.join(parts)}: dust has moved ({where}, {first.scatters:.0f} sigma)."


def _common(moved: tuple[Mote, ...]) -> tuple[float, float] | None:
    """The shift of displaced shadows where all have the same within 5 errors or 2 pixels."""
    shifts = [mote.shift_px for mote in moved if mote.shift_px is not None]
    if not shifts:
        return None
    mean = (sum(s[0] for s in shifts) / len(shifts), sum(s[1] for s in shifts) / len(shifts))
    for mote in moved:
        if mote.shift_px is None or mote.shift_error_px is None:
            continue
        for value, middle, error in zip(mote.shift_px, mean, mote.shift_error_px, strict=True):
            if abs(value - middle) > max(2.0, 5.0 * error):
                return None
    return mean
