"""How a flat lies on lights: turned, shifted, mirrored, or with dust that has moved."""

from __future__ import annotations

import dataclasses
import re

import dust_scenes
import numpy as np
import pytest
from dust_scenes import Ring, Scene
from numpy.typing import NDArray

from evenfield.errors import UsageError
from evenfield.examine.fingerprint import Order
from evenfield.examine.geometry import Geometry, Lies, examine_geometry
from evenfield.examine.geometry_findings import geometry_findings
from evenfield.examine.motes import Fate
from evenfield.examine.relief import flat_relief, light_relief

SHAPE = (640, 960)
F32 = NDArray[np.float32]


def a_scene(seed: int = 1, **more: float) -> Scene:
    return dust_scenes.scene(seed, shape=SHAPE, **{"radii": (15.0, 40.0), "margin": 60.0} | more)  # type: ignore[arg-type]


def compared(scene: Scene, flat: F32, *, seed: int = 7, **light: float) -> Geometry:
    seen = dust_scenes.light(scene, np.random.default_rng(seed), **light)  # type: ignore[arg-type]
    return examine_geometry(flat_relief(np.ascontiguousarray(flat)), light=light_relief([seen]))


def flat_of(scene: Scene, rings: tuple[Ring, ...] | None = None, *, seed: int = 3) -> F32:
    return dust_scenes.master_flat(scene, scene.rings if rings is None else rings, np.random.default_rng(seed))


def within(found: float, wanted: float, error: float, floor: float) -> bool:
    """Four standard errors, or the floor that the fit promises."""
    return abs(found - wanted) <= max(4 * error, floor)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_flat_that_lies_well_says_so(seed: int) -> None:
    """Frames with the same dust raise no alarm, and the contrast of the dust is 1 within four errors."""
    scene = a_scene(seed)
    found = compared(scene, flat_of(scene))
    assert (found.lies, found.motes, found.order) == (Lies.WELL, (), Order.AS_IT_IS)
    assert found.contrast is not None
    assert found.contrast_error is not None
    assert abs(found.contrast - 1) < 4 * found.contrast_error
    assert geometry_findings(found, subject="flat", shape=SHAPE) == ()


@pytest.mark.parametrize(("angle", "shift"), [(37.3, (0.0, 0.0)), (-0.4, (0.0, 0.0)), (-158.0, (9.0, -14.0))])
def test_a_turn_is_measured(angle: float, shift: tuple[float, float]) -> None:
    """Any angle about the middle is found within its error bar and, with six motes near the middle, to 0.5 degrees."""
    scene = a_scene(2, margin=140.0)
    found = compared(scene, flat_of(scene, dust_scenes.placed(scene.rings, SHAPE, angle_deg=angle, shift=shift)))
    assert found.lies is (Lies.TURNED if shift == (0.0, 0.0) else Lies.TURNED_AND_SHIFTED)
    assert found.angle_error_deg is not None
    assert found.angle_error_deg < 0.12
    assert within(found.angle_deg, angle, found.angle_error_deg, 0.1)


@pytest.mark.parametrize("shift", [(12.3, -4.1), (0.0, -2.5), (-40.0, 31.0)])
def test_a_shift_is_measured(shift: tuple[float, float]) -> None:
    """A shift is found within its error bar, which is a third of a pixel with six motes."""
    scene = a_scene(3)
    found = compared(scene, flat_of(scene, dust_scenes.placed(scene.rings, SHAPE, shift=shift)))
    assert found.lies is Lies.SHIFTED
    assert found.shift_error_px is not None
    for value, wanted, error in zip(found.shift_px, shift, found.shift_error_px, strict=True):
        assert 0.1 < error < 0.4
        assert within(value, wanted, error, 0.5)


def test_the_sentence_names_the_side_of_the_twin() -> None:
    """The finding says first on which side of each shadow its bright twin will be."""
    scene = a_scene(3)
    found = compared(scene, flat_of(scene, dust_scenes.placed(scene.rings, SHAPE, shift=(0.0, -20.0))))
    (finding,) = geometry_findings(found, subject="flat", shape=SHAPE)
    assert finding.code == "flat_shifted"
    told = re.search(r"a bright twin (\d+) px to the left: the flat is shifted", finding.message)
    assert told is not None
    assert found.shift_error_px is not None
    assert within(float(told[1]), 20.0, found.shift_error_px[1], 1.0)


@pytest.mark.parametrize(
    ("rows", "columns", "lies", "order"),
    [
        (-1, 1, Lies.FLIPPED, Order.ROWS),
        (1, -1, Lies.FLIPPED, Order.COLUMNS),
        (-1, -1, Lies.TURNED, Order.BOTH),
    ],
)
def test_a_mirrored_file_is_found_without_dust(rows: int, columns: int, lies: Lies, order: Order) -> None:
    """Reversed rows, columns or both are seen in the pixels themselves."""
    scene = a_scene(4, n=0)
    found = compared(scene, flat_of(scene)[::rows, ::columns])
    assert (found.lies, found.order, found.by_pixels) == (lies, order, True)
    assert found.motes == ()


def test_mirrored_dust_is_found_without_pixel_response() -> None:
    """Where the pixels tell nothing, dust alone shows reversed rows."""
    scene = a_scene(5, prnu=0.0)
    found = compared(scene, flat_of(scene)[::-1])
    assert (found.lies, found.order, found.by_pixels) == (Lies.FLIPPED, Order.ROWS, False)


def test_a_file_cut_elsewhere_is_measured_to_the_pixel() -> None:
    """Pixels that lie 3 rows down and 5 columns to the left are told from moved optics."""
    scene = a_scene(6)
    found = compared(scene, np.roll(flat_of(scene), (3, -5), (0, 1)))
    assert (found.lies, found.shift_px, found.by_pixels) == (Lies.SHIFTED, (3.0, -5.0), True)


def test_dust_that_moved_alone_is_told_from_a_shift() -> None:
    """Two motes displaced by the same vector are found with it, and the flat lies well otherwise."""
    scene = a_scene(3)
    moved = dust_scenes.placed(scene.rings[:2], SHAPE, shift=(12.0, -20.0))
    found = compared(scene, flat_of(scene, moved + scene.rings[2:]))
    assert found.lies is Lies.WELL
    assert [mote.fate for mote in found.motes] == [Fate.MOVED, Fate.MOVED]
    for mote in found.motes:
        assert mote.shift_px is not None
        assert mote.shift_error_px is not None
        assert within(mote.shift_px[0], 12.0, mote.shift_error_px[0], 1.0)
        assert within(mote.shift_px[1], -20.0, mote.shift_error_px[1], 1.0)
    (finding,) = geometry_findings(found, subject="flat", shape=SHAPE)
    assert finding.code == "dust_moved"
    assert "2 dust shadows will look embossed" in finding.message


@pytest.mark.parametrize("in_flat", [True, False])
def test_dust_of_one_of_the_two_only(in_flat: bool) -> None:
    """A mote that only the flat, or only the light, has is found at its place."""
    scene = a_scene(3)
    extra = scene.rings[0]
    without = dataclasses.replace(scene, rings=scene.rings[1:])
    found = compared(without, flat_of(scene)) if in_flat else compared(scene, flat_of(without))
    assert found.lies is Lies.WELL
    (mote,) = found.motes
    assert mote.fate is (Fate.GONE if in_flat else Fate.NEW)
    assert abs(mote.row - extra.row) < 8
    assert abs(mote.column - extra.column) < 8


def test_without_dust_the_answer_is_that_it_cannot_tell() -> None:
    """A flat without structure leaves turn and shift unknown, and the reason names the number."""
    scene = a_scene(4, n=0)
    found = compared(scene, flat_of(scene))
    assert found.lies is Lies.UNKNOWN
    assert "scatters" in found.reason
    (finding,) = geometry_findings(found, subject="flat", shape=SHAPE)
    assert finding.code == "flat_place_unknown"


def test_a_rest_in_the_light_is_contrast_and_not_moved_dust() -> None:
    """Something additive left in the light weakens all shadows alike: no alarm, and the contrast says how much."""
    scene = a_scene(2)
    found = compared(scene, flat_of(scene), rest_e=300.0)
    assert (found.lies, found.motes) == (Lies.WELL, ())
    assert found.contrast is not None
    # The sky has 904 electrons in the middle, and about 0.93 of them on average over the motes.
    assert 0.68 < found.contrast < 0.80


def test_color_frames_and_gaps_in_them_change_nothing() -> None:
    """A color mosaic with unequal levels and pixels without a value lead to the same answer."""
    scene = a_scene(3)
    flat = flat_of(scene, dust_scenes.placed(scene.rings, SHAPE, shift=(8.0, 6.0)))
    seen = dust_scenes.light(scene, np.random.default_rng(7))
    for y, x, factor in ((0, 0, 0.6), (1, 1, 0.75)):
        flat[y::2, x::2] *= np.float32(factor)
    flat[100:104, 200:260] = np.nan
    seen[300:310, 300:310] = np.nan
    found = examine_geometry(flat_relief(flat, cfa="RGGB"), light=light_relief([seen], cfa="RGGB"))
    assert found.lies is Lies.SHIFTED
    assert found.shift_error_px is not None
    assert within(found.shift_px[0], 8.0, found.shift_error_px[0], 0.5)
    assert within(found.shift_px[1], 6.0, found.shift_error_px[1], 0.5)


def test_more_lights_tell_more() -> None:
    """Four lights halve the error of the shift, within a third."""
    scene = a_scene(3)
    flat = flat_relief(flat_of(scene, dust_scenes.placed(scene.rings, SHAPE, shift=(8.0, 6.0))))
    lights = [dust_scenes.light(scene, np.random.default_rng(seed)) for seed in range(4)]
    one = examine_geometry(flat, light=light_relief(lights[:1])).shift_error_px
    four = examine_geometry(flat, light=light_relief(iter(lights))).shift_error_px
    assert one is not None
    assert four is not None
    assert 1.5 < one[0] / four[0] < 2.5


def test_frames_that_do_not_match_are_refused() -> None:
    """Other shapes, and no light at all, are errors with a reason."""
    scene = a_scene(1)
    flat = flat_relief(flat_of(scene))
    with pytest.raises(UsageError, match="do not match"):
        examine_geometry(flat, light=flat_relief(flat_of(scene)[:400]))
    with pytest.raises(UsageError, match="no frame"):
        light_relief([])


@pytest.mark.parametrize("value", [0.0, np.nan, -5.0])
def test_empty_frames_tell_nothing(value: float) -> None:
    """Frames without light end in 'cannot tell', not in an error."""
    empty = np.full((200, 300), value, np.float32)
    assert examine_geometry(flat_relief(empty), light=light_relief([empty])).lies is Lies.UNKNOWN
