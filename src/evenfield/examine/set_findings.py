"""What sets of frames show, as findings: first what it does to the picture, then the number that decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from evenfield.examine.exposures import LevelLine
from evenfield.examine.frames import ColorAim
from evenfield.examine.limits import TOO_BRIGHT
from evenfield.examine.sets import SURE, DarkSet, FlatSet, PanelLight
from evenfield.examine.shutter import ShutterShadow
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding, FindingLevel
from evenfield.model.frame import FrameKind, exposure_text
from evenfield.model.wording import name_files, plural

LEAST_WITH_STARS: Final = 2
"""Flats with points of light: one alone may have been crossed by anything."""


def flat_findings(
    found: FlatSet, *, name: str, files: Sequence[str], limits: Mapping[str, float]
) -> tuple[Finding, ...]:
    """Findings about the flats of a set; ``files`` are the frames' paths in the order they were compared."""
    made: list[Finding] = []
    if found.series.change > limits["drift"]:
        text = f"{name}: levels differ by {_percent(found.series.change)}, {found.series.words}."
        made.append(finding("level_drifts", name, text))
    if found.apart:
        worst = max(found.apart, key=lambda one: one.amount)
        names = name_files([files[one.index] for one in found.apart])
        does = "does" if len(found.apart) == 1 else "do"
        text = (
            f"{name}: {names} {does} not show the pattern of the others: {_percent(worst.amount)} apart beyond noise "
            f"(limit {_percent(limits['pattern'])}, z {_z(worst.z)})."
        )
        fix = tuple(word for one in found.apart for word in ("--exclude", _base(files[one.index])))
        made.append(finding("pattern_apart", name, text, fix=fix))
    if found.change > limits["pattern"] and found.change_z > SURE:
        how = "as a gradient that turns or grows" if found.plane > 0.8 else "in places"
        text = (
            f"{name}: the light on the last flats differs from that on the first by {_percent(found.change)}, {how} "
            f"(limit {_percent(limits['pattern'])}, z {_z(found.change_z)})."
        )
        made.append(finding("pattern_changes", name, text))
    if found.bands > limits["bands"] and found.bands_z > SURE:
        text = (
            f"{name}: single flats have bands along rows of {_percent(found.bands)} rms "
            f"(limit {_percent(limits['bands'])}, z {_z(found.bands_z)})."
        )
        made.append(finding("flicker_bands", name, text))
    return tuple(made)


def weak_color_finding(
    name: str, *, colors: Sequence[str], signal_to_noise: Sequence[float], limits: Mapping[str, float]
) -> Finding | None:
    """A finding where the faintest color of single flats has too little signal."""
    at = int(np.argmin(signal_to_noise))
    if len(colors) < 2 or signal_to_noise[at] >= limits["weak_color"]:
        return None
    word = {"R": "Red", "G": "Green", "B": "Blue"}.get(colors[at], colors[at])
    text = (
        f"{name}: {word.lower()} pixels will be corrected with much noise: a signal to noise ratio of "
        f"{signal_to_noise[at]:.0f} a frame (wanted: {limits['weak_color']:.0f})."
    )
    return finding("weak_color", name, text)


def bright_color_finding(name: str, aims: Sequence[ColorAim]) -> Finding | None:
    """A finding where one color of a color camera's flats comes close to saturation, whatever the mean of all is."""
    if len(aims) < 2:
        return None
    most = max(aims, key=lambda one: one.of_full)
    if most.of_full <= TOO_BRIGHT:
        return None
    text = (
        f"{name}: {most.word} pixels are at {100 * most.of_full:.0f} % of full scale; aim at about 50 % for the "
        "brightest color."
    )
    return finding("too_bright", name, text)


def dark_findings(
    found: DarkSet, *, name: str, kind: FrameKind, files: Sequence[str], limits: Mapping[str, float]
) -> tuple[Finding, ...]:
    """Findings about the bias, darks or dark flats of a set."""
    made: list[Finding] = []
    noise = float(np.mean(found.noise))
    if found.apart:
        worst = max(found.apart, key=lambda one: one.amount)
        names = name_files([files[one.index] for one in found.apart])
        text = (
            f"{name}: light or unsteady glow in {names}: the pattern is {worst.amount:.2g} ADU apart from that of the "
            f"others (limit {limits['dark_pattern'] * noise:.2g} ADU, z {_z(worst.z)})."
        )
        fix = tuple(word for one in found.apart for word in ("--exclude", _base(files[one.index])))
        made.append(finding("light_leak", name, text, fix=fix if len(found.apart) < len(files) / 2 else None))
    if found.wander > limits["wander"] * noise:
        text = (
            f"{name}: the levels of {plural(len(files), 'frame')} wander by {found.wander:.2g} ADU rms "
            f"(a pixel's noise is {noise:.3g} ADU)."
        )
        made.append(finding("level_unstable", name, text))
    if kind is not FrameKind.BIAS and found.glow > limits["glow"] * noise and found.glow_z > SURE:
        text = f"{name}: glow of {found.glow:.3g} ADU where it is brightest (a pixel's noise is {noise:.3g} ADU)."
        made.append(finding("amplifier_glow", name, text))
    if kind is not FrameKind.BIAS:
        strayed = [
            index
            for index, (warmth, error) in enumerate(zip(found.warmth, found.warmth_error, strict=True))
            if abs(warmth - 1.0) > max(limits["warmth"], SURE * error)
        ]
        if strayed:
            worst_at = max(strayed, key=lambda index: abs(found.warmth[index] - 1.0))
            text = (
                f"{name}: the hot pixels of {name_files([files[index] for index in strayed])} have "
                f"{found.warmth[worst_at]:.2f} times the light of the others' (limit {limits['warmth']:.2f} from 1)."
            )
            fix = tuple(word for index in strayed for word in ("--exclude", _base(files[index])))
            made.append(finding("dark_apart", name, text, fix=fix))
    if found.at_floor > limits["floor"]:
        text = (
            f"{name}: {_percent(found.at_floor)} of the pixels lie at the least value of the converter "
            f"(limit {_percent(limits['floor'])})."
        )
        made.append(finding("offset_too_low", name, text))
    # Only dark frames tell: what moves in flats is correlated too.
    return (*made, *_altered(found.correlation, found.correlation_error, name, limits))


def panel_finding(found: PanelLight, *, name: str, flats: str, limits: Mapping[str, float]) -> Finding | None:
    """A finding where dark flats hold light of the panel."""
    if found.share <= limits["panel"] or found.share < SURE * found.error:
        return None
    text = (
        f"{name}: corners of your lights will be wrong, since the dark flats saw the panel: they hold "
        f"{found.adu:.1f} ADU of the pattern of {flats}, {_percent(found.share)} of its light "
        f"(z {_z(found.share / found.error)})."
    )
    return finding("panel_in_dark_flats", name, text)


def bias_drift_finding(line: LevelLine, *, name: str, noise_adu: float, limits: Mapping[str, float]) -> Finding | None:
    """A finding where the shortest dark frames do not lie where the straight line of the longer ones begins."""
    limit = limits["bias_drift"] * noise_adu
    if abs(line.apart_adu) <= limit or line.z < SURE:
        return None
    side = "above" if line.apart_adu > 0 else "below"
    text = (
        f"{name}: flats that are calibrated by bias keep a rest, since the bias depends on the exposure: "
        f"{line.name} ({exposure_text(line.exposure_s)}) lies {abs(line.apart_adu):.3g} ADU {side} the line "
        f"through longer ones, up to {exposure_text(line.longest_s)} (limit {limit:.2g} ADU, z {_z(line.z)})."
    )
    return finding("bias_drifts_with_exposure", name, text)


def shutter_finding(found: ShutterShadow, *, name: str, limits: Mapping[str, float]) -> Finding | None:
    """A finding where flats hold the shadow of a shutter."""
    if found.share <= limits["shutter"] or found.z < SURE or not found.is_shutter:
        return None
    where, are = ("corners", "are") if found.seconds > 0 else ("the middle", "is")
    text = (
        f"{name}: {where} of your lights will be {_percent(found.share)} too bright, since the shutter's shadow lies "
        f"there in short flats: {where} {are} exposed {1000 * abs(found.seconds):.3g} ms shorter (flats from "
        f"{exposure_text(found.shortest_s)} on; limit {_percent(limits['shutter'])}, z {_z(found.z)})."
    )
    least = exposure_text(found.least_exposure_s(limits["shutter"]))
    mend = f"Expose flats for {least} or longer, with a dimmer light: then the shadow stays below "
    return finding("shutter_shadow", name, text, mend=f"{mend}{_percent(limits['shutter'])}.")


def stars_finding(counts: Sequence[int], *, name: str, rejects: bool, limits: Mapping[str, float]) -> Finding | None:
    """A finding where flats of the sky show stars; ``counts`` are the points of each flat that was compared."""
    with_stars = [count for count in counts if count >= limits["stars"]]
    if len(with_stars) < LEAST_WITH_STARS:
        return None
    what = "rejection takes them out where they moved" if rejects else "nothing takes them out"
    text = (
        f"{name}: stars stand in {len(with_stars)} of the {plural(len(counts), 'flat')} that were compared, "
        f"{plural(int(np.median(with_stars)), 'point')} each (limit {limits['stars']:.0f}); {what}."
    )
    level = FindingLevel.NOTE if rejects else FindingLevel.WARNING
    return finding("stars_in_flats", name, text, level=level)


def _altered(correlation: float, error: float, name: str, limits: Mapping[str, float]) -> tuple[Finding, ...]:
    # Smoothing makes neighbors alike. Readout electronics that swing back make them a little unlike, which is no harm.
    if correlation <= limits["correlation"] or correlation < SURE * error:
        return ()
    text = (
        f"{name}: the noise of neighboring pixels is correlated by {correlation:.2f} "
        f"(limit {limits['correlation']:.2f})."
    )
    return (finding("raw_altered", name, text),)


def _base(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"


def _z(z: float) -> str:
    return "beyond 1000" if z > 1000 else f"{z:.0f}"
