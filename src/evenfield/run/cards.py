"""The header of a product: what other programs look for, and what tells it from a raw frame."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import evenfield
from evenfield.describe.dialects import KEYWORDS
from evenfield.describe.mosaics import upside_down
from evenfield.model.frame import FrameInfo, FrameKind
from evenfield.model.header import CardValue, RawHeader
from evenfield.model.plan import LightStep, Step
from evenfield.model.report import LightRecord, Provenance
from evenfield.model.targets import TARGETS

IMAGE_TYPES: Final = {
    FrameKind.BIAS: "Master Bias",
    FrameKind.DARK: "Master Dark",
    FrameKind.DARK_FLAT: "Master Dark Flat",
    FrameKind.FLAT: "Master Flat",
}

Card = tuple[str, bool | int | float | str | None, str]


def product_cards(step: Step, provenance: Provenance, *, frames: Sequence[FrameInfo]) -> list[Card]:
    """The cards of a product. ``frames`` are those that were combined; what they agree in is kept."""
    first = frames[0]
    setup = first.setup
    cards: list[Card | None] = [
        ("IMAGETYP", IMAGE_TYPES[step.kind], "kind of frame"),
        ("BUNIT", _unit(step), "unit of the pixel values"),
        ("EVFSCALE", _scale(step.recipe.target), "ADU that are 1 in this file"),
        ("EXPTIME", _mean([frame.exposure_s for frame in frames]), "mean exposure, seconds"),
        ("CCD-TEMP", _mean([frame.sensor_c for frame in frames]), "mean sensor temperature, C"),
        ("SET-TEMP", _shared([frame.set_c for frame in frames]), "set temperature, C"),
        ("FILTER", _shared([frame.filter for frame in frames]) if step.kind is FrameKind.FLAT else None, "filter"),
        ("INSTRUME", setup.camera, "camera"),
        ("GAIN", setup.gain_setting, "gain setting"),
        ("OFFSET", setup.offset_setting, "offset setting"),
        ("READOUTM", setup.readout_mode, "readout mode"),
        ("EGAIN", _shared([frame.egain_e_per_adu for frame in frames]), "maker's e-/ADU"),
        ("ROWORDER", setup.row_order, "order of the rows"),
        ("DATE-OBS", first.taken_at, "start of the first frame, UTC"),
        ("NCOMBINE", len(frames), "frames combined"),
        ("SWCREATE", f"evenfield {evenfield.__version__}", "program"),
        ("EVFDGST", step.digest, "digest of inputs, settings and masters"),
        ("EVFPLAN", provenance.plan_digest, "digest of the plan"),
        ("EVFVERD", provenance.verdict.value, "verdict"),
        ("EVFBIAS", _contains_bias(step), "the bias is still in it"),
        ("EVFPEDST", provenance.measured.get("inferred_pedestal_adu"), "pedestal told by pixels, subtracted, ADU"),
    ]
    if setup.binning is not None:
        cards += [("XBINNING", setup.binning[0], "binning in x"), ("YBINNING", setup.binning[1], "binning in y")]
    # The group's region is that after trimming; the frames' own is that of the raw file.
    origin = step.group.get("origin")
    if isinstance(origin, tuple | list):
        cards += [("XORGSUBF", origin[0], "first column"), ("YORGSUBF", origin[1], "first row")]
    if step.overscan is not None or step.overscan_parts:
        cards.append(("EVFOVSC", True, "the overscan was subtracted"))
    if setup.cfa == "MONO":
        cards.append(("COLORCCD", 0, "no colour filter array"))
    elif setup.cfa is not None:
        cards.append(("BAYERPAT", _header_pattern(setup.cfa, step, setup.row_order, setup.shape), "CFA pattern"))
    if step.kind is FrameKind.FLAT:
        cards += [
            ("TELESCOP", _shared([frame.telescope for frame in frames]), "telescope"),
            ("FOCALLEN", _shared([frame.focal_length_mm for frame in frames]), "focal length, mm"),
            ("ROTATANG", _mean([frame.rotator_deg for frame in frames]), "rotator angle, degrees"),
        ]
    return [card for card in cards if card is not None and card[1] is not None]


_REPLACED: Final = frozenset(
    (
        "BUNIT", "PEDESTAL", "CALSTAT", "HISTORY", "COMMENT", "", "CHECKSUM", "DATASUM", "DATAMIN", "DATAMAX",
        "LONGSTRN", "BAYERPAT", "XBAYROFF", "YBAYROFF", "COLORTYP", "ROWORDER",
    )
)  # fmt: skip
"""Cards of a raw light that its calibrated one has in its own way, or not at all."""

_REGIONS: Final = frozenset(("BIASSEC", "TRIMSEC", "DATASEC", "CCDSEC", "XORGSUBF", "YORGSUBF"))
"""Cards that are wrong once a frame is trimmed."""

_WRITABLE: Final = re.compile(r"[ -<>-~]{1,40}")


def light_cards(
    header: RawHeader | None, step: LightStep, provenance: Provenance, *, frame: FrameInfo, record: LightRecord
) -> list[Card]:
    """The cards of a calibrated light: those of the raw one, and what was done to it."""
    gone = _REPLACED | _REGIONS if step.trim is not None else _REPLACED
    corrected = _corrected(frame)
    gone |= {keyword for field, _ in corrected for keyword in KEYWORDS[field]}
    cards: list[Card] = [
        (keyword, _moved(keyword, value, step), "")
        for keyword, value in (header.cards if header is not None else ())
        if keyword not in gone and not keyword.startswith("EVF") and _WRITABLE.fullmatch(keyword)
    ]
    calibration = step.calibrations[provenance.inputs[0].calibration]
    done = "".join(
        letter
        for letter, is_done in (
            ("B", calibration.how != "none" or step.overscan is not None or bool(step.overscan_parts)),
            ("D", "dark" in calibration.masters),
            ("F", step.flat is not None),
        )
        if is_done
    )
    scale = _scale(step.recipe.target)
    own: list[Card] = [
        ("BUNIT", "adu" if scale is None else "relative", "unit of the pixel values"),
        ("PEDESTAL", record.pedestal_adu, "added to every pixel, ADU"),
        ("CALSTAT", done, "bias, dark, flat applied"),
        ("EVFDGST", provenance.digest, "digest of input, settings and masters"),
        ("EVFPLAN", provenance.plan_digest, "digest of the plan"),
    ]
    if scale is not None:
        own.append(("EVFSCALE", scale, "ADU that are 1 in this file"))
    cfa, order = frame.setup.cfa, frame.setup.row_order
    if order is not None:
        own.append(("ROWORDER", order, "order of the rows"))
    if cfa is not None and cfa != "MONO":
        own.append(("BAYERPAT", _header_pattern(cfa, step, order, frame.setup.shape), "CFA pattern"))
    if record.factor is not None:
        own.append(("EVFDARK", record.factor, "factor of the dark"))
    if step.trim is not None:
        x, y = frame.setup.origin or (0, 0)
        own += [("XORGSUBF", x + step.trim[2], "first column"), ("YORGSUBF", y + step.trim[0], "first row")]
    if step.overscan is not None or step.overscan_parts:
        own.append(("EVFOVSC", True, "the overscan was subtracted"))
    own += [(KEYWORDS[field][0], value, "corrected by the user") for field, value in corrected if value is not None]
    return [*cards, *own]


_CORRECTED: Final = (
    "exposure_s", "sensor_c", "set_c", "filter", "gain_setting", "offset_setting", "camera", "readout_mode",
    "rotator_deg", "telescope", "focal_length_mm", "f_number", "target", "egain_e_per_adu",
)  # fmt: skip
"""What a light's header says as the user corrected it."""


def _corrected(frame: FrameInfo) -> list[tuple[str, CardValue]]:
    """The fields that were corrected by hand, with their values."""
    fields = [field for field in _CORRECTED if frame.known_from.get(field) == "user"]
    found = [(field, getattr(frame if hasattr(frame, field) else frame.setup, field)) for field in fields]
    return [("kind", "LIGHT"), *found] if frame.known_from.get("kind") == "user" else found


def _moved(keyword: str, value: CardValue, step: LightStep) -> CardValue:
    """The place of a sky coordinate's reference pixel, as seen from the first pixel that trimming leaves."""
    if step.trim is None or isinstance(value, bool) or not isinstance(value, int | float):
        return value
    start = {"CRPIX1": step.trim[2], "CRPIX2": step.trim[0]}.get(keyword)
    return value if start is None else value - start


def _scale(target: str) -> float | None:
    """What pixels are divided by when they are written, where that is not 1."""
    scale = TARGETS[target].scale
    return None if scale == 1.0 else scale


def _unit(step: Step) -> str:
    return "adu" if step.recipe.level == "none" and _scale(step.recipe.target) is None else "relative"


def _header_pattern(cfa: str, step: Step | LightStep, row_order: str | None, shape: tuple[int, int]) -> str:
    # Headers give the pattern of the picture's top row, which a BOTTOM-UP file stores last.
    rows = shape[0] if step.trim is None else step.trim[1] - step.trim[0]
    return upside_down(cfa, rows=rows) if row_order == "BOTTOM-UP" else cfa


def _contains_bias(step: Step) -> bool:
    if step.kind is not FrameKind.FLAT:
        return True
    # A number that the user gave is taken for the bias.
    if step.overscan is not None or step.overscan_parts:
        return False
    return any(calibration.how == "none" for calibration in step.calibrations)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 6) if known else None


def _shared(values: Sequence[float | str | None]) -> float | str | None:
    found = set(values)
    return found.pop() if len(found) == 1 else None
