"""What combine_frames refuses, and that it says why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evenfield.combine import combine_frames
from evenfield.errors import CombineError, SettingsError

STACK = np.ones((4, 2, 3))

REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "one dimension": (np.ones(4), {}, "1 dimensions"),
    "four dimensions": (np.ones((2, 2, 2, 2)), {}, "4 dimensions"),
    "no frames": (np.ones((0, 2, 3)), {}, "no frames"),
    "complex": (STACK.astype(complex), {}, "complex128"),
    "objects": (np.full((4, 2), None), {}, "object"),
    "text": (np.full((4, 2), "a"), {}, "<U1"),
    "frames of two shapes": ([np.ones((2, 2)), np.ones((3, 3))], {}, "differ in shape"),
    "masked": (np.ma.masked_array(STACK, STACK > 0), {}, "masked"),
    "too few for extremes": (STACK, {"reject": "extremes:2"}, "at least 5 frames, here are 4"),
    "too few for minmax": (STACK, {"reject": "minmax:2,2"}, "at least 5 frames, here are 4"),
    "unknown method": (STACK, {"method": "mode"}, "'mode'"),
    "unknown method with auto": (STACK, {"method": "mode", "reject": "auto"}, "'mode'"),
    "too few weights": (STACK, {"weights": [1, 1]}, "shape \\(2,\\)"),
    "negative weight": (STACK, {"weights": [1, 1, -1, 1]}, "frame 2 is -1"),
    "infinite weight": (STACK, {"weights": [1, np.inf, 1, 1]}, "frame 1 is inf"),
    "weight that is no number": (STACK, {"weights": [1, "x", 1, 1]}, "not real numbers"),
    "zero weights": (STACK, {"weights": [0, 0, 0, 0]}, "All weights are zero"),
    "weights for a median": (STACK, {"method": "median", "weights": [1, 1, 1, 1]}, "median takes no weights"),
}


@pytest.mark.parametrize(("stack", "how", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals_name_their_reason_and_mend(stack: Any, how: dict[str, Any], words: str) -> None:
    """What cannot be combined is refused with the number that decided and a mend."""
    with pytest.raises(CombineError, match=words) as caught:
        combine_frames(stack, **how)
    assert caught.value.mend


def test_unknown_rejection_is_a_settings_error() -> None:
    """A rejection's text that cannot be understood is refused as a setting."""
    with pytest.raises(SettingsError, match="wonder"):
        combine_frames(STACK, reject="wonder:3")


@pytest.mark.parametrize("shape", [(3, 0), (3, 0, 5), (3, 5, 0)])
def test_frames_without_pixels_give_empty_results(shape: tuple[int, ...]) -> None:
    """Frames of no pixels are combined to arrays of no pixels."""
    assert combine_frames(np.ones(shape), reject="winsorized").value.shape == shape[1:]
