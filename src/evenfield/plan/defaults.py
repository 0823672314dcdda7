"""What "auto" becomes, with the reason."""

from __future__ import annotations

from typing import Final

from evenfield.model.frame import DARK_KINDS, FrameKind
from evenfield.model.plan import Recipe, Step
from evenfield.model.rejections import (
    AutoRejection,
    Ccd,
    NoRejection,
    Rejection,
    Sigma,
    Winsorized,
    ZScore,
    rejection_name,
    rejection_text,
)
from evenfield.model.settings import CombineSettings, Settings

FEW: Final = 5
"""With fewer frames outliers cannot be told from noise, and the median is taken."""

SINGLE: Final = 12
"""Below, no rejection by a pixel's own scatter finds nine tenths of the outliers that the best test of one finds but
that test itself, `ZScore`: two outliers that hide each other are too rare in so few dark frames to matter."""

MANY: Final = 20
"""From here on `Winsorized` finds nine tenths of what the best test finds, and several outliers of a pixel as well.
These numbers are those of docs/limits.md."""


def recipe_for(kind: FrameKind, *, n_frames: int, settings: Settings) -> Recipe:
    """How a group is combined: the settings with every "auto" resolved by kind and number of frames."""
    combine = settings.combine
    dark = kind in DARK_KINDS
    method, chosen = _asked(combine, dark=dark)
    because = f"{method}, {rejection_text(chosen)}, as asked"
    if isinstance(chosen, AutoRejection):
        if n_frames < FEW:
            method, chosen = "median", NoRejection()
            because = f"median: with {n_frames} frame{'s' * (n_frames != 1)} outliers cannot be told from noise"
        else:
            chosen, why = _chosen(n_frames, dark=dark, nominal=combine.limits == "nominal")
            because = f"{method} of what {rejection_name(chosen)} rejection keeps: {why}"
    scale: str = combine.scale
    if dark:
        # Bias and darks are comparable as they are: multiplying them would change the bias level.
        scale = "none"
    elif scale == "auto":
        scale = "mean"
    return Recipe(
        method=method,
        rejection=chosen,
        limits=combine.limits,
        weights=combine.weights if method == "mean" and not dark else "none",
        scale=scale,
        level="none" if dark else combine.level,
        per_cfa=combine.per_cfa and not dark,
        keep_bad_frames=combine.keep_bad_frames or dark,
        sample=settings.output.sample if not dark else "float32",
        maps=settings.output.maps,
        because=because,
    )


def recipe_of_auto(step: Step, *, n_frames: int, settings: Settings) -> Recipe:
    """The recipe of a step of which ``n_frames`` frames are left; its own where the user chose the rejection."""
    if isinstance(_asked(settings.combine, dark=step.kind in DARK_KINDS)[1], AutoRejection):
        return recipe_for(step.kind, n_frames=n_frames, settings=settings)
    return step.recipe


def _chosen(n_frames: int, *, dark: bool, nominal: bool) -> tuple[Rejection, str]:
    """The rejection that finds most outliers among so many frames of a kind, and why it is that one."""
    if n_frames >= MANY:
        chosen = Winsorized() if dark else Winsorized(low=3.0, high=3.0)
        return chosen, f"from {MANY} frames on it finds nearly all outliers, several in one pixel too"
    if not dark:
        # Light has a noise that all pixels tell together; that of dark frames differs from pixel to pixel.
        why = f"with {n_frames} frames the noise that all pixels tell together shows more than a pixel's own scatter"
        return Ccd(low=3.0, high=3.0), why
    if nominal:
        return Winsorized(), f"with nominal limits others find nothing in {n_frames} frames"
    if n_frames >= SINGLE:
        return Sigma(low=4.0, high=3.0), f"it finds most outliers that {n_frames} frames can show"
    return ZScore(limit=3.0), f"with {n_frames} frames it is the best test for one outlier in a pixel"


def _asked(combine: CombineSettings, *, dark: bool) -> tuple[str, Rejection]:
    method: str = combine.method
    chosen = combine.rejection
    if dark and combine.dark_method is not None:
        method = combine.dark_method
    if dark and combine.dark_rejection is not None:
        chosen = combine.dark_rejection
    return method, chosen
