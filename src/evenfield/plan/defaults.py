"""What "auto" becomes, with the reason."""

from __future__ import annotations

from evenfield.model.frame import DARK_KINDS, FrameKind
from evenfield.model.plan import Recipe, Step
from evenfield.model.rejections import (
    FEW,
    MANY,
    AutoRejection,
    Ccd,
    NoRejection,
    Rejection,
    Sigma,
    Winsorized,
    auto_rejection,
    least_frames,
    rejection_name,
    rejection_text,
)
from evenfield.model.settings import CombineSettings, Settings
from evenfield.model.targets import TARGETS


def recipe_for(kind: FrameKind, *, n_frames: int, settings: Settings) -> Recipe:
    """How a group is combined: the settings with every "auto" resolved by kind and number of frames."""
    combine = settings.combine
    dark = kind in DARK_KINDS
    method, chosen = _asked(combine, dark=dark)
    because = f"{method}, {rejection_text(chosen)}, as asked"
    if isinstance(chosen, AutoRejection):
        auto = auto_rejection(n_frames, kind="dark" if dark else "flat", limits=combine.limits)
        if auto is None:
            method, chosen = "median", NoRejection()
            because = f"median: with {n_frames} frame{'s' * (n_frames != 1)} outliers cannot be told from noise"
        else:
            chosen = auto
            because = f"{method} of what {rejection_name(auto)} rejection keeps: {_reason(auto, n_frames)}"
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
        sample=settings.output.written_as if not dark else (TARGETS[settings.output.target].sample or "float32"),
        target=settings.output.target,
        compress=settings.output.compress,
        maps=settings.output.maps,
        because=because,
    )


def recipe_of_auto(step: Step, *, n_frames: int, settings: Settings) -> Recipe:
    """The recipe of a step of which only ``n_frames`` frames are left: that of "auto" for so few; its own where these
    are not too few for it, or where the user chose the rejection.
    """
    enough = n_frames >= max(FEW, least_frames(step.recipe.rejection))
    if enough or not isinstance(_asked(settings.combine, dark=step.kind in DARK_KINDS)[1], AutoRejection):
        return step.recipe
    return recipe_for(step.kind, n_frames=n_frames, settings=settings)


def _reason(chosen: Rejection, n_frames: int) -> str:
    """Why "auto" became a rejection."""
    if n_frames >= MANY:
        return f"from {MANY} frames on it finds nearly all outliers, several in one pixel too"
    if isinstance(chosen, Ccd):
        return f"with {n_frames} frames the noise that all pixels tell together shows more than a pixel's own scatter"
    if isinstance(chosen, Winsorized):
        return f"with nominal limits others find nothing in {n_frames} frames"
    if isinstance(chosen, Sigma):
        return f"it finds most outliers that {n_frames} frames can show"
    return f"with {n_frames} frames it is the best test for one outlier in a pixel"


def _asked(combine: CombineSettings, *, dark: bool) -> tuple[str, Rejection]:
    method: str = combine.method
    chosen = combine.rejection
    if dark and combine.dark_method is not None:
        method = combine.dark_method
    if dark and combine.dark_rejection is not None:
        chosen = combine.dark_rejection
    return method, chosen
