"""What photon transfer finds: values with their standard errors."""

from __future__ import annotations

import dataclasses
import math


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A number with its standard error."""

    value: float
    error: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TransferPoint:
    """A point of the curve: cells of like level. ``residual`` is variance over model minus 1."""

    level_adu: float
    variance_adu2: float
    error_adu2: float
    residual: float
    residual_error: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PlaneTransfer:
    """What the pixels of one color tell; ``None`` is what they cannot tell, and ``reason`` says why.

    ``color`` is "" for a mono camera. ``read_noise_adu`` and ``read_noise_e`` are without the converter's rounding.
    ``level_adu`` is the mean level of the cells used, above the pedestal, ``lowest_adu`` and ``highest_adu`` those of
    the faintest and brightest cell. ``saturation_adu`` is raw. ``curvature`` is the share by which the variance of
    photons strays from proportional at the highest level: negative where it bends down. ``scatter`` is chi-square per
    degree of freedom of the cells.
    """

    color: str
    egain_e_per_adu: Measured | None
    read_noise_adu: Measured | None
    read_noise_e: Measured | None
    pedestal_adu: float | None
    level_adu: float | None
    lowest_adu: float | None
    highest_adu: float | None
    saturation_adu: float | None
    curvature: Measured | None
    scatter: float | None
    points: tuple[TransferPoint, ...]
    reason: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PhotonTransfer:
    """The camera's noise from the user's own frames: a plane for each color, and what all share."""

    planes: tuple[PlaneTransfer, ...]
    step_adu: float | None
    n_flats: int
    n_darks: int

    @property
    def egain_e_per_adu(self) -> Measured | None:
        """The mean over the colors, its error raised where they differ by more than theirs; ``None``: unknown."""
        return mean_of([plane.egain_e_per_adu for plane in self.planes])

    @property
    def read_noise_adu(self) -> Measured | None:
        """The mean over the colors."""
        return mean_of([plane.read_noise_adu for plane in self.planes])

    @property
    def read_noise_e(self) -> Measured | None:
        """The mean over the colors."""
        return mean_of([plane.read_noise_e for plane in self.planes])


def mean_of(parts: list[Measured | None]) -> Measured | None:
    """The weighted mean of numbers with errors; its error is raised by chi-square where they do not agree."""
    known = [part for part in parts if part is not None]
    if not known:
        return None
    weights = [1.0 / part.error**2 for part in known]
    value = sum(weight * part.value for weight, part in zip(weights, known, strict=True)) / sum(weights)
    chi2 = sum(weight * (part.value - value) ** 2 for weight, part in zip(weights, known, strict=True))
    more = math.sqrt(max(1.0, chi2 / max(len(known) - 1, 1)))
    return Measured(value=value, error=more / math.sqrt(sum(weights)))
