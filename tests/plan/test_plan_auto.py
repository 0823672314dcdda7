"""What "auto" becomes, by kind and number of frames, and that it finds what it is chosen for."""

from __future__ import annotations

import numpy as np
import pytest

from evenfield import CombineSettings, Settings, combine_frames
from evenfield.model.frame import FrameKind
from evenfield.model.rejections import Ccd, rejection, rejection_text
from evenfield.plan.defaults import recipe_for

TABLE = {
    "flat": {1: "none", 4: "none", 5: "ccd:3,3", 19: "ccd:3,3", 20: "winsorized:3,3", 300: "winsorized:3,3"},
    "dark": {
        1: "none", 4: "none", 5: "zscore:3", 11: "zscore:3", 12: "sigma:4,3", 19: "sigma:4,3", 20: "winsorized:4,3",
    },
}  # fmt: skip
STUDENTIZED = {5: 0.139, 8: 0.505, 10: 0.665, 11: 0.718, 12: 0.759, 15: 0.837, 19: 0.887, 20: 0.895, 30: 0.935}
"""Power of the deleted Studentized residual test at a clean loss of 0.135 %, one outlier of 5 sigma (noncentral t)."""


@pytest.mark.parametrize(
    ("kind", "n", "wanted"), [(kind, n, text) for kind, table in TABLE.items() for n, text in table.items()]
)
def test_auto_by_kind_and_number(kind: str, n: int, wanted: str) -> None:
    """The table of docs/rejections.md, and a reason that names what it became."""
    recipe = recipe_for(FrameKind(kind), n_frames=n, settings=Settings())
    assert recipe.rejection == rejection(wanted)
    assert recipe.method == ("median" if n < 5 else "mean")
    assert recipe.because.startswith(
        "median: " if n < 5 else f"mean of what {wanted.partition(':')[0]} rejection keeps"
    )


@pytest.mark.parametrize("kind", ["bias", "dark", "dark_flat"])
def test_auto_for_all_dark_kinds(kind: str) -> None:
    """Bias and dark flats are treated as darks are."""
    for n, wanted in TABLE["dark"].items():
        assert recipe_for(FrameKind(kind), n_frames=n, settings=Settings()).rejection == rejection(wanted)


def test_auto_with_nominal_limits() -> None:
    """Nominal limits leave zscore and sigma blind with few frames, so dark ones take winsorized."""
    settings = Settings(combine=CombineSettings(limits="nominal"))
    for n in (5, 8, 15, 20):
        recipe = recipe_for(FrameKind.DARK, n_frames=n, settings=settings)
        assert rejection_text(recipe.rejection) == "winsorized:4,3"


@pytest.mark.parametrize("kind", ["flat", "dark"])
@pytest.mark.parametrize("n", sorted(STUDENTIZED))
def test_auto_finds_what_can_be_found(kind: str, n: int) -> None:
    """Of outliers of 5 sigma at least 0.9 of what the best test of one finds, and not less than winsorized finds.

    20,000 columns: a share is uncertain by 0.0035, so four of that are allowed.
    """
    generator = np.random.default_rng(n)
    stack = generator.standard_normal((n, 20_000))
    stack[0] += 5.0
    chosen = recipe_for(FrameKind(kind), n_frames=n, settings=Settings()).rejection
    text = f"{rejection_text(chosen)},read_noise_adu=1" if isinstance(chosen, Ccd) else rejection_text(chosen)
    found, winsorized = (
        float((combine_frames(stack, reject=one).rejected_high > 0).mean()) for one in (text, "winsorized:3,3")
    )
    least = 0.9 * STUDENTIZED[n] if n >= 8 else 0.0
    assert found >= max(least, winsorized) - 0.014
