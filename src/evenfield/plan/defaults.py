"""What "auto" becomes, with the reason."""

from __future__ import annotations

from typing import Final

from evenfield.model.frame import DARK_KINDS, FrameKind
from evenfield.model.plan import Recipe
from evenfield.model.rejections import AutoRejection, NoRejection, Rejection, Winsorized, rejection_text
from evenfield.model.settings import CombineSettings, Settings

FEW: Final = 5
"""With fewer frames outliers cannot be told from noise, and the median is taken."""


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
            chosen = Winsorized() if dark else Winsorized(low=3.0, high=3.0)
            because = f"{method} of what winsorized rejection keeps: the usual choice from {FEW} frames on"
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


def _asked(combine: CombineSettings, *, dark: bool) -> tuple[str, Rejection]:
    method: str = combine.method
    chosen = combine.rejection
    if dark and combine.dark_method is not None:
        method = combine.dark_method
    if dark and combine.dark_rejection is not None:
        chosen = combine.dark_rejection
    return method, chosen
