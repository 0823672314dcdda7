"""Photon transfer, and bias or dark flats, in sentences."""

from __future__ import annotations

import math
from typing import Final

from evenfield.examine.bias_or_dark_flat import DarkFlatAnswer, DarkFlatChoice, Effect
from evenfield.examine.flat_noise import MoreFlats
from evenfield.examine.transfer_values import Measured, PhotonTransfer
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding

DISAGREES: Final = 0.05
"""A header that differs by less is near enough for all that it is used for."""

CLEAR: Final = 3.0
"""Standard errors from which on a difference is no chance."""

BENT: Final = 0.03
"""A bend of the noise of 3 % goes with a response that is 1 % too low: x = S (1 - eS) has variance/level ~ 1 - 3eS."""

WORTH_MORE: Final = 1.05
"""More flats are worth it where the master's noise raises a light's by more than 5 %."""


def header_egain(value: str | float | None) -> float | None:
    """The header's e-/ADU as a number; ``None`` where it is absent, not positive, or a word such as "High"."""
    try:
        number = float(value) if value is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) and number > 0 else None


def transfer_findings(found: PhotonTransfer, *, name: str, egain: str | float | None = None) -> tuple[Finding, ...]:
    """What photon transfer says about the header and the flats.

    Parameters
    ----------
    found : PhotonTransfer
    name : str
        The group of flats.
    egain : str or float, optional
        The header's EGAIN; text that is no number is unknown.

    Returns
    -------
    tuple of Finding
        ``egain_disagrees`` and ``not_linear``, as far as they are the case.
    """
    made = []
    header, measured = header_egain(egain), found.egain_e_per_adu
    if header is not None and measured is not None and _disagree(header, measured):
        text = (
            f"{name}: the noise of the flats says {measured.value:.4g} +- {measured.error:.2g} e-/ADU, the header "
            f"{header:.4g} ({100.0 * (header / measured.value - 1.0):+.0f} %)."
        )
        step = found.step_adu or 1.0
        if step > 1 and not _disagree(header / step, measured):
            text += f" It counts the converter's steps, which are {step:.0f} ADU in these files."
        made.append(finding("egain_disagrees", name, text))
    bends = [plane for plane in found.planes if plane.curvature is not None]
    worst = max(bends, key=lambda plane: abs(plane.curvature.value) if plane.curvature else 0.0, default=None)
    if worst is not None and worst.curvature is not None:
        bend = worst.curvature
        if abs(bend.value) > BENT and abs(bend.value) > CLEAR * bend.error:
            color = f" of {worst.color}" if worst.color else ""
            way = "below" if bend.value < 0 else "above"
            made.append(
                finding(
                    "not_linear",
                    name,
                    f"{name}: bright parts of the flats{color} may be wrong by {100 * abs(bend.value) / 3:.1f} %: "
                    f"at {worst.highest_adu or 0:.0f} ADU the noise is {100 * abs(bend.value):.1f} +- "
                    f"{100 * bend.error:.1f} % {way} what photons have.",
                )
            )
    return tuple(made)


def _disagree(header: float, measured: Measured) -> bool:
    apart = abs(header - measured.value)
    return apart > DISAGREES * measured.value and apart > CLEAR * measured.error


def more_flats_findings(more: MoreFlats, *, name: str) -> tuple[Finding, ...]:
    """``more_flats_help``, where the master's noise makes a light's more than 5 % larger."""
    if more.total_now <= WORTH_MORE:
        return ()
    text = (
        f"{name}: calibrated lights have {100 * (more.total_now - 1):.0f} % more noise than they must, because of "
        f"{more.n_flats} flats. {more.sentence}"
    )
    return (finding("more_flats_help", name, text),)


def choice_findings(choice: DarkFlatChoice, *, name: str) -> tuple[Finding, ...]:
    """Whether dark flats are needed, and whether the level wanders.

    Parameters
    ----------
    choice : DarkFlatChoice
    name : str
        The group of flats.

    Returns
    -------
    tuple of Finding
        One of ``dark_flats_needed``, ``bias_is_enough`` and ``bias_or_dark_unclear``; and ``level_wanders``.
    """
    worst_name, worst = max(choice.parts, key=lambda part: part[1].share)
    numbers = ", ".join(f"{part} {_adu(part, effect)}{_z(effect)}" for part, effect in choice.parts)
    limit = f"the limit is {_percent(choice.limit_share)}"
    if choice.answer is DarkFlatAnswer.DARK_FLATS_ARE_NEEDED:
        text = f"{name}: with bias instead of dark flats, {_seen(worst_name, worst)}; {limit} ({numbers})."
        made = [finding("dark_flats_needed", name, text)]
    elif choice.answer is DarkFlatAnswer.BIAS_IS_ENOUGH:
        text = (
            f"{name}: with bias instead of dark flats, lights change by {_percent(worst.share)}; {limit} ({numbers})."
        )
        made = [finding("bias_is_enough", name, text)]
    else:
        text = f"{name}: it cannot be told whether bias is enough: {choice.reason}; {limit} ({numbers})."
        made = [finding("bias_or_dark_unclear", name, text)]
    # What a single frame's level does, through the same corners as the difference of the levels.
    per_adu = choice.level.share / abs(choice.level.adu) if choice.level.adu else 0.0
    wander = max((each for each in choice.wander_adu if each is not None), default=0.0)
    if wander * per_adu > choice.limit_share:
        text = (
            f"{name}: corners of single lights may change by {_percent(wander * per_adu)}: the level of bias and dark "
            f"flats wanders by {wander:.1f} ADU from frame to frame."
        )
        made.append(finding("level_wanders", name, text))
    return tuple(made)


def _seen(part: str, effect: Effect) -> str:
    """What the eye will see."""
    if part == "level":
        way = "dark" if effect.adu > 0 else "bright"
        return f"the corners of your lights will be {_percent(effect.share)} too {way}"
    if part == "glow":
        way = "dark" if effect.adu > 0 else "bright"
        return f"your lights will be {_percent(effect.share)} too {way} where the sensor glows"
    return f"a fixed pattern of {_percent(effect.share)} rms will be printed into your lights"


def _percent(share: float) -> str:
    return f"{100.0 * share:.2g} %"


def _adu(part: str, effect: Effect) -> str:
    return f"{effect.adu:+.2f} ADU" if part != "pattern" else f"{effect.adu:.2f} ADU rms"


def _z(effect: Effect) -> str:
    return "" if effect.z is None else f", z {effect.z:.0f}"
