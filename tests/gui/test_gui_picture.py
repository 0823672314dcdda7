"""The picture part of the window: the numbers under the mouse are those of the file, and nothing waits for a disk."""

from __future__ import annotations

import os
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPalette, QWheelEvent
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from evenfield.examine.stretch import NO_VALUE, automatic, full_range, linear, shades
from evenfield.gui import pyramid
from evenfield.gui.picture_layer import Layer, halved
from evenfield.gui.picture_reader import PictureReader
from evenfield.gui.picture_view import HistogramView, PicturePanel, PictureView, ProfileView
from evenfield.gui.pyramid import WHOLE, Picture, PictureCache, open_picture
from evenfield.model.frame import FrameInfo
from evenfield.model.literal import literal
from evenfield.model.pixels import Image, PixelFlag
from evenfield.read.extensions import extension_names
from evenfield.write import write_image

RNG = np.random.default_rng(11)
ROWS, COLUMNS = 90, 131
NUMBERS = RNG.integers(0, 65536, (ROWS, COLUMNS), dtype=np.uint16)
FLOATS = RNG.normal(1.0, 0.2, (ROWS, COLUMNS)).astype(np.float32)
BIG = (4176, 6248)

opened_on: list[tuple[str, bool]] = []
"""Every file that was opened: its name, and whether on the main thread."""


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str):
        opened_on.append((arguments[0], threading.current_thread() is threading.main_thread()))


sys.addaudithook(_note)


def save(path: Path, pixels: NDArray[Any], *, packed: bool = False, **cards: object) -> str:
    """A FITS file with cards; ``packed`` by Rice."""
    hdu = fits.CompImageHDU(pixels, compression_type="RICE_1") if packed else fits.PrimaryHDU(pixels)
    hdu.header.update(cards)
    hdu.writeto(path)
    return str(path)


@pytest.fixture
def reader(qtbot: QtBot) -> Iterator[PictureReader]:
    """A reader that is stopped in the end."""
    made = PictureReader()
    yield made
    made.stop()


@pytest.fixture
def panel(qtbot: QtBot, reader: PictureReader) -> PicturePanel:
    """A panel of moderate size on the screen."""
    return new_panel(qtbot, reader)


def new_panel(qtbot: QtBot, reader: PictureReader, *, width: int = 500, profile: bool = False) -> PicturePanel:
    made = PicturePanel(reader, with_profile=profile)
    qtbot.addWidget(made)
    made.resize(width, 640)
    made.show()
    qtbot.waitExposed(made)
    return made


def shown(qtbot: QtBot, panel: PicturePanel, path: str) -> Picture:
    """Show a file and wait until it is there."""
    panel.show_path(path)
    qtbot.waitUntil(lambda: panel.view.picture is not None and panel.view.picture.path == path, timeout=10000)
    picture = panel.view.picture
    assert picture is not None
    return picture


def view_of(qtbot: QtBot, path: str, size: tuple[int, int] = (400, 300)) -> PictureView:
    view = PictureView()
    qtbot.addWidget(view)
    view.resize(*size)
    view.show()
    view.show_picture(open_picture(path), stretch="full")
    return view


def move_mouse(view: PictureView, point: QPointF) -> None:
    none = Qt.MouseButton.NoButton
    event = QMouseEvent(QEvent.Type.MouseMove, point, point, none, none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(view, event)


# Numbers


CASES = {
    "uint16, top-down": (NUMBERS, False, {"ROWORDER": "TOP-DOWN"}),
    "uint16, bottom-up": (NUMBERS, False, {"ROWORDER": "BOTTOM-UP"}),
    "uint16, unknown order": (NUMBERS, False, {}),
    "int16": ((NUMBERS.astype(np.int32) - 32768).astype(np.int16), False, {}),
    "float32": (FLOATS, False, {"ROWORDER": "TOP-DOWN"}),
    "packed": (NUMBERS, True, {"ROWORDER": "BOTTOM-UP"}),
    "packed, top-down": (NUMBERS, True, {"ROWORDER": "TOP-DOWN"}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_number_under_the_mouse_is_that_of_the_file(qtbot: QtBot, tmp_path: Path, case: str) -> None:
    """At 20 points in 4 zooms: file coordinates from 1, the number, and the shade that is painted there."""
    pixels, packed, cards = CASES[case]
    path = save(tmp_path / "a.fits", pixels, packed=packed, **cards)
    stored = fits.getdata(path)
    view = view_of(qtbot, path)
    told: list[tuple[int, int, Any]] = []
    view.pointed.connect(lambda *found: told.append(found))
    stretch = full_range(open_picture(path).layer().statistics)  # type: ignore[union-attr]
    places = np.random.default_rng(5)
    for zoom in (2.0, 3.7, 8.0, 23.0):
        for _ in range(20):
            x, y = int(places.integers(1, COLUMNS + 1)), int(places.integers(1, ROWS + 1))
            view.zoom_to(zoom)
            there = view.point_of(x, y)
            view.move_by(there.x() - 200, there.y() - 150)
            point = view.point_of(x, y)
            assert view.rect().contains(point.toPoint())
            move_mouse(view, point)
            assert told[-1] == (x, y, stored[y - 1, x - 1])
            painted = QColor(view.grab().toImage().pixel(point.toPoint())).red()
            wanted = int(shades(stored[y - 1, x - 1].reshape(1, 1).astype(pixels.dtype), stretch)[0, 0])
            assert abs(painted - round(wanted * 255 / 254)) <= 1


def test_masters_of_floats_are_told_to_the_last_digit(qtbot: QtBot, tmp_path: Path, panel: PicturePanel) -> None:
    """A master of 0..1 stays what it is: no scale, no ADU, no share of full scale."""
    path = save(tmp_path / "m.fits", FLOATS, BUNIT="relative")
    shown(qtbot, panel, path)
    move_mouse(panel.view, panel.view.point_of(7, 5))
    assert panel.readout.text() == f"x 7, y 5: {float(FLOATS[4, 6]):.7g}"


def test_scaled_integers_are_told_in_adu(tmp_path: Path) -> None:
    """BSCALE and BZERO are applied."""
    hdu = fits.PrimaryHDU(np.arange(6, dtype=np.int16).reshape(2, 3))
    path = tmp_path / "s.fits"
    hdu.writeto(path)
    with fits.open(path, mode="update", do_not_scale_image_data=True) as hdus:
        hdus[0].header["BSCALE"], hdus[0].header["BZERO"] = 0.5, 100.0
    picture = open_picture(path)
    assert [picture.value(x, 2) for x in (1, 2, 3)] == [101.5, 102.0, 102.5]
    with pytest.raises(IndexError):
        picture.value(4, 1)
    with pytest.raises(IndexError):
        picture.value(0, 1)


def test_the_line_under_the_picture(qtbot: QtBot, tmp_path: Path, panel: PicturePanel) -> None:
    """Coordinates, number, unit and share of full scale; and nothing of it outside of the picture."""
    pixels = np.full((80, 60), 31204, np.uint16)
    shown(qtbot, panel, save(tmp_path / "a.fits", pixels))
    move_mouse(panel.view, panel.view.point_of(12, 34))
    assert panel.readout.text() == "x 12, y 34: 31,204 ADU (47.6 % of full scale)"
    point = panel.view.mapTo(panel, panel.view.point_of(12, 34).toPoint())
    assert panel.value_at_widget_position(point) == (12, 34, 31204)
    assert panel.value_at_widget_position(QPoint(1, 1)) is None
    told: list[tuple[int, int, Any]] = []
    panel.pointed.connect(lambda *found: told.append(found))
    QApplication.sendEvent(panel.view, QEvent(QEvent.Type.Leave))
    assert told == [(0, 0, None)]
    assert "ADU" not in panel.readout.text()


@pytest.mark.parametrize(("order", "top"), [("TOP-DOWN", True), ("BOTTOM-UP", False), (None, False)])
def test_rows_are_shown_in_their_order(qtbot: QtBot, tmp_path: Path, order: str | None, top: bool) -> None:
    """The file's first row is on top where the header says TOP-DOWN, else at the bottom."""
    pixels = np.zeros((40, 40), np.uint16)
    pixels[:10] = 60000
    view = view_of(qtbot, save(tmp_path / "a.fits", pixels, **({} if order is None else {"ROWORDER": order})))
    image = view.grab().toImage()
    above, below = (QColor(image.pixel(200, y)).red() for y in (20, 280))
    assert (above > 200, below < 50) == (top, top)
    assert (above < 50, below > 200) == (not top, not top)


# The pyramid


def nan_mean(block: NDArray[Any]) -> float:
    good = block[np.isfinite(block)]
    return float(good.mean(dtype=np.float64)) if good.size else float("nan")


@pytest.mark.parametrize("shape", [(64, 100), (65, 101), (1, 200), (200, 1), (3, 2)])
@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.float32])
def test_each_level_is_the_mean_of_four(shape: tuple[int, int], dtype: Any) -> None:
    """Odd sides keep the mean of what is there; NaN and infinite pixels count nowhere."""
    plane = RNG.integers(0, 30000, shape).astype(dtype)
    if dtype == np.float32:
        plane[RNG.random(shape) < 0.3] = np.nan
        plane[0, 0] = np.inf
    level = halved(plane)
    assert level.dtype == np.float32
    assert level.shape == ((shape[0] + 1) // 2, (shape[1] + 1) // 2)
    for row in range(level.shape[0]):
        for column in range(level.shape[1]):
            wanted = nan_mean(plane[2 * row : 2 * row + 2, 2 * column : 2 * column + 2])
            assert level[row, column] == pytest.approx(wanted, rel=1e-6, nan_ok=True)


def test_statistics_are_those_of_all_pixels() -> None:
    """Of 16-bit integers every number is exact; of floats least, greatest and the counts are."""
    plane = RNG.normal(20000, 400, (301, 203)).astype(np.uint16)
    found = Layer(plane).statistics
    median = np.sort(plane, axis=None)[(plane.size - 1) // 2]
    assert (found.valid, found.least, found.greatest) == (plane.size, plane.min(), plane.max())
    assert found.median == median
    assert found.mad == np.sort(np.abs(plane.astype(int) - int(median)), axis=None)[(plane.size - 1) // 2]
    low, high = np.percentile(plane, (0.1, 99.9))
    assert abs(found.percentiles[1] - low) <= 25
    assert abs(found.percentiles[2] - high) <= 25
    floats = plane.astype(np.float32)
    floats[:5] = np.nan
    layer = Layer(floats)
    assert (layer.statistics.valid, layer.statistics.blank) == (296 * 203, 5 * 203)
    assert (layer.statistics.least, layer.statistics.greatest) == (plane[5:].min(), plane[5:].max())
    assert layer.histogram.counts.sum() == 296 * 203


def test_the_histogram_holds_every_pixel() -> None:
    """256 bins from the least value on; a bin counts the numbers that belong to it."""
    plane = RNG.integers(1000, 1700, (200, 200)).astype(np.int16)
    found = Layer(plane).histogram
    assert found.counts.shape == (256,)
    edges = found.start + found.width * np.arange(257)
    assert edges[-1] > plane.max()
    assert found.counts.tolist() == np.histogram(plane, edges)[0].tolist()
    floats = RNG.normal(0, 1, (200, 200)).astype(np.float32)
    found = Layer(floats).histogram
    assert found.counts.tolist() == np.histogram(floats.astype(np.float64), 256)[0].tolist()


def test_the_profile_is_the_mean_along_each_side() -> None:
    """A falloff along x and none along y, NaN left out; the middle through the center alone."""
    plane = np.tile(np.linspace(100, 200, 300, dtype=np.float32), (200, 1))
    plane[90:110] += 50
    plane[0, 0] = np.nan
    profile = Layer(plane).profile
    assert profile.pixels == 1
    assert profile.across == pytest.approx(np.linspace(100, 200, 300) + 5, abs=0.3)
    assert profile.across_center == pytest.approx(np.linspace(150, 250, 300), abs=1e-3)
    assert profile.down[:90] == pytest.approx(np.full(90, 150), abs=0.3)
    assert profile.down[95:105] == pytest.approx(np.full(10, 200), abs=1e-3)


def test_a_large_picture_is_there_at_once(tmp_path: Path) -> None:
    """26 megapixels with all levels, statistics and histogram, and the first shades: well within a second."""
    rows, columns = BIG
    pixels = RNG.normal(30000, 300, BIG).astype(np.uint16)
    path = save(tmp_path / "big.fits", pixels)
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        picture = open_picture(path)
        layer = picture.layer()
        assert layer is not None
        shades(layer.levels[3], layer.stretch("automatic"))
        seconds.append(time.perf_counter() - begun)
    print(f"first view of 26 megapixels: {min(seconds):.3f} s")
    assert min(seconds) < 1.0
    assert layer.full.dtype == np.uint16
    for index, level in enumerate(layer.levels):
        assert level.shape == (-(-rows // 2**index), -(-columns // 2**index))
    block = pixels[2048:2056, 4096:4104]
    assert layer.levels[3][256, 512] == pytest.approx(block.mean(), rel=1e-6)
    assert picture.nbytes < 90e6
    assert [picture.value(x, y) for x, y in ((1, 1), (6248, 4176))] == [pixels[0, 0], pixels[-1, -1]]


# Stretches


def test_a_flat_fills_the_shades() -> None:
    """A tiny range with single hot and dead pixels is still seen: its darkest and brightest parts are far apart."""
    plane = np.tile(np.linspace(30000, 30100, 300), (200, 1)).astype(np.uint16)
    plane[5, 5], plane[9, 9] = 65535, 0
    layer = Layer(plane, background=0.5)
    shown_ = shades(layer.full, layer.stretch("automatic"))
    assert int(shown_[100, 295]) - int(shown_[100, 4]) > 150


def test_the_sky_becomes_a_quarter() -> None:
    """The automatic stretch gives the median the shade 0.25, and black lies 2.8 standard deviations below it."""
    plane = RNG.normal(1000, 20, (400, 400)).astype(np.float32)
    plane[RNG.random(plane.shape) < 0.001] = 50000
    numbers = Layer(plane).statistics
    stretch = automatic(numbers)
    assert stretch.black == pytest.approx(1000 - 56, abs=2)
    shade = shades(np.array([[numbers.median]], np.float32), stretch)[0, 0]
    assert abs(int(shade) - 0.25 * 254) <= 2
    assert shades(np.array([[stretch.midtone]], np.float32), stretch)[0, 0] in (126, 127, 128)


def test_pixels_without_a_value_have_a_color_of_their_own(qtbot: QtBot, tmp_path: Path) -> None:
    """NaN is no shade of gray, whatever the stretch, and is told as "no value"."""
    pixels = FLOATS.copy()
    pixels[10:80, 10:120] = np.nan
    path = save(tmp_path / "nan.fits", pixels)
    view = view_of(qtbot, path)
    color = QColor(view.grab().toImage().pixel(200, 150))
    assert color.red() > color.green() + 50
    found = view.pixel_at(QPointF(200, 150))
    assert found is not None
    assert np.isnan(found[2])
    layer = open_picture(path).layer()
    assert layer is not None
    for stretch in (automatic(layer.statistics), linear(layer.statistics), full_range(layer.statistics)):
        shown_ = shades(layer.full, stretch)
        assert ((shown_ == NO_VALUE) == np.isnan(pixels)).all()


@pytest.mark.parametrize("value", [0, 1234, 65535, 0.0, 1.0, -3.5, 1e30])
def test_a_constant_picture_is_gray(qtbot: QtBot, tmp_path: Path, panel: PicturePanel, value: float) -> None:
    """Where all pixels are equal there is still a picture, in each stretch."""
    pixels = np.full((30, 40), value, np.float32 if isinstance(value, float) else np.uint16)
    picture = shown(qtbot, panel, save(tmp_path / "c.fits", pixels))
    layer = picture.layer()
    assert layer is not None
    for name in ("automatic", "linear", "full"):
        assert 100 < int(shades(layer.full, layer.stretch(name))[3, 3]) < 154
    assert layer.histogram.counts.sum() == pixels.size
    assert layer.main_histogram.counts.sum() == pixels.size
    panel.grab()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (2, 3)])
def test_a_thin_picture_is_seen(qtbot: QtBot, tmp_path: Path, reader: PictureReader, shape: tuple[int, int]) -> None:
    """A single row or column is painted, and its pixels are told."""
    path = save(tmp_path / "thin.fits", RNG.integers(0, 9000, shape).astype(np.uint16))
    panel = new_panel(qtbot, reader, profile=True)
    picture = shown(qtbot, panel, path)
    background = panel.palette().color(QPalette.ColorRole.Window)
    image = panel.view.grab().toImage()
    middle = panel.view.point_of((shape[1] + 1) // 2, (shape[0] + 1) // 2).toPoint()
    near = [image.pixelColor(middle + QPoint(dx, dy)) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
    assert any(color != background for color in near)
    panel.view.zoom_to(8.0)
    move_mouse(panel.view, panel.view.point_of(shape[1], shape[0]))
    assert str(f"{picture.value(shape[1], shape[0]):,}") in panel.readout.text() or shape[1] > 100 or shape[0] > 100
    panel.grab()


def test_a_picture_of_nothing_says_so(qtbot: QtBot, tmp_path: Path, panel: PicturePanel) -> None:
    """Where no pixel has a value the view says it."""
    shown(qtbot, panel, save(tmp_path / "n.fits", np.full((20, 20), np.nan, np.float32)))
    assert panel.view.words == "No pixel of it has a value."
    panel.grab()


# Colors and maps


@pytest.mark.parametrize("pattern", ["RGGB", "BGGR", "GRBG", "GBRG"])
@pytest.mark.parametrize("shape", [(40, 60), (41, 61)])
def test_colors_of_a_mosaic(tmp_path: Path, pattern: str, shape: tuple[int, int]) -> None:
    """Each color is every second pixel from its first one on, G1 in the rows of red; level 1 is the mean of cells."""
    pixels = RNG.integers(0, 60000, shape).astype(np.uint16)
    picture = open_picture(save(tmp_path / "c.fits", pixels, BAYERPAT=pattern, ROWORDER="TOP-DOWN"))
    assert picture.keys == (WHOLE, "R", "G1", "G2", "B")
    red = pattern.index("R")
    firsts = {"R": red, "G1": red ^ 1, "G2": red ^ 2, "B": red ^ 3}
    for key, place in firsts.items():
        assert pattern[place] == key[0]
        assert picture.layer(key) is None
        picture.prepare(key)
        layer = picture.layer(key)
        assert layer is not None
        row, column = divmod(place, 2)
        assert (layer.full == pixels[row::2, column::2]).all()
        assert np.shares_memory(layer.full, picture.layer().full)  # type: ignore[union-attr]
        found = layer.place(7, 9)
        assert found == (6 + column, 8 + row)
        assert picture.value(found[0] + 1, found[1] + 1, key=key) == pixels[8 + row, 6 + column]
    whole = picture.layer()
    assert whole is not None
    assert whole.levels[1][4, 3] == pytest.approx(pixels[8:10, 6:8].mean()) if len(whole.levels) > 1 else True


def test_a_color_is_pointed_at_by_its_own_pixels(qtbot: QtBot, tmp_path: Path, panel: PicturePanel) -> None:
    """In the view of a color, the mouse tells the pixel of that color in the cell under it; place and zoom stay."""
    path = save(tmp_path / "c.fits", NUMBERS[:, :130], BAYERPAT="RGGB", ROWORDER="TOP-DOWN")
    picture = shown(qtbot, panel, path)
    panel.view.zoom_to(9.0)
    before = (panel.view.zoom, panel.view.center)
    choose(qtbot, panel, "B", picture)
    assert (panel.view.zoom, panel.view.center) == before
    for x, y in ((61, 41), (62, 42), (61, 42)):
        assert panel.view.pixel_at(panel.view.point_of(x, y)) == (62, 42, NUMBERS[41, 61])


def choose(qtbot: QtBot, panel: PicturePanel, key: str, picture: Picture) -> None:
    """Choose a layer as a user does, and wait for it."""
    panel.show_box.setCurrentIndex(panel.show_box.findData(key))
    panel.show_box.activated.emit(panel.show_box.currentIndex())
    qtbot.waitUntil(lambda: panel.layer_key == key and panel.view.words == "", timeout=5000)
    assert picture.layer(key) is not None


def test_a_mosaic_that_is_bottom_up(tmp_path: Path) -> None:
    """Headers name the color of the top row; in a file of even height that is stored last."""
    picture = open_picture(save(tmp_path / "c.fits", NUMBERS, BAYERPAT="RGGB", ROWORDER="BOTTOM-UP"))
    picture.prepare("R")
    layer = picture.layer("R")
    assert layer is not None
    assert layer.first == (0, 1)


@pytest.mark.parametrize("cards", [{}, {"BAYERPAT": "GGRGGBGGBGGRBRGRBGGGBGGRGGRGGBRBGBRG"}, {"COLORCCD": 0}])
def test_no_colors_but_of_bayer_mosaics(tmp_path: Path, cards: dict[str, object]) -> None:
    """X-Trans, monochrome and unknown frames have their whole picture alone."""
    assert open_picture(save(tmp_path / "x.fits", NUMBERS, **cards)).keys == (WHOLE,)


def write_maps(path: Path, *, own: bool = True) -> dict[str, NDArray[Any]]:
    maps: dict[str, NDArray[Any]] = {
        "NOISE": RNG.random((ROWS, COLUMNS)).astype(np.float32),
        "USED": RNG.integers(0, 20, (ROWS, COLUMNS)).astype(np.uint16),
        "HIGH": RNG.integers(0, 3, (ROWS, COLUMNS)).astype(np.uint16),
        "MASK": np.zeros((ROWS, COLUMNS), np.uint8),
    }
    maps["MASK"][4, 6] = PixelFlag.HOT | PixelFlag.SATURATED
    cards = [("EVFDGST", "abc", "digest")] if own else []
    write_image(path, image=Image(pixels=FLOATS.copy(), maps=maps), cards=cards)
    return maps


def test_maps_are_offered_where_they_exist(qtbot: QtBot, tmp_path: Path, panel: PicturePanel) -> None:
    """Those of the file, with their numbers and units; the flags as words."""
    maps = write_maps(tmp_path / "m.fits")
    path = str(tmp_path / "m.fits")
    assert extension_names(path) == ("NOISE", "USED", "HIGH", "MASK")
    picture = shown(qtbot, panel, path)
    assert [panel.show_box.itemData(place) for place in range(panel.show_box.count())] == [WHOLE, *maps]
    for key, unit in (("NOISE", "ADU"), ("USED", "samples"), ("HIGH", "samples")):
        choose(qtbot, panel, key, picture)
        move_mouse(panel.view, panel.view.point_of(9, 3))
        assert picture.value(9, 3, key=key) == maps[key][2, 8]
        assert panel.readout.text().startswith("x 9, y 3: ")
        assert panel.readout.text().endswith(unit)
    choose(qtbot, panel, "MASK", picture)
    move_mouse(panel.view, panel.view.point_of(7, 5))
    assert "saturated in the raw data" in panel.readout.text()
    assert "far brighter in the dark" in panel.readout.text()
    move_mouse(panel.view, panel.view.point_of(8, 5))
    assert panel.readout.text() == "x 8, y 5: nothing wrong"
    # The next picture has no such map: its whole is shown, and offered alone.
    shown(qtbot, panel, save(tmp_path / "b.fits", FLOATS))
    assert panel.show_box.count() == 1
    assert panel.show_box.currentData() == WHOLE


def test_extensions_of_other_programs_are_no_maps(tmp_path: Path) -> None:
    """Only a product of evenfield has its maps."""
    write_maps(tmp_path / "m.fits", own=False)
    assert open_picture(tmp_path / "m.fits").keys == (WHOLE,)


def test_names_of_extensions_end_with_the_file(tmp_path: Path) -> None:
    """A file cut short within a map offers those before it; what is no FITS offers none."""
    write_maps(tmp_path / "m.fits")
    content = (tmp_path / "m.fits").read_bytes()
    (tmp_path / "cut.fits").write_bytes(content[: len(content) - 30000])
    assert extension_names(tmp_path / "cut.fits") == ("NOISE", "USED", "HIGH")
    (tmp_path / "junk.fits").write_bytes(content + b"\x07" * 5000)
    assert len(extension_names(tmp_path / "junk.fits")) == 4
    (tmp_path / "text.fits").write_text("nothing")
    assert extension_names(tmp_path / "text.fits") == ()


# The cache


def test_thirty_large_pictures_stay_bounded(tmp_path: Path) -> None:
    """30 pictures of 26 megapixels in turn: what is held, and what is ever allocated, stays near the limit."""
    first = save(tmp_path / "0.fits", RNG.normal(30000, 300, BIG).astype(np.uint16))
    paths = [first]
    for index in range(1, 30):
        os.link(first, tmp_path / f"{index}.fits")
        paths.append(str(tmp_path / f"{index}.fits"))
    cache = PictureCache()
    tracemalloc.start()
    for path in paths:
        picture = cache.open(path)
        assert cache.nbytes <= cache.limit == 400_000_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < cache.limit + 1.7 * picture.nbytes
    assert len(cache) == cache.limit // picture.nbytes


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    """A picture that was looked at again stays; one that changed on the disk is read anew."""
    paths = [save(tmp_path / f"{index}.fits", NUMBERS + np.uint16(index)) for index in range(4)]
    one = open_picture(paths[0]).nbytes
    cache = PictureCache(limit=3 * one)
    opened = [cache.open(path) for path in paths[:3]]
    assert cache.open(paths[0]) is opened[0]
    cache.open(paths[3])
    assert len(cache) == 3
    assert cache.open(paths[0]) is opened[0]
    assert cache.open(paths[1]) is not opened[1]
    os.utime(paths[0], ns=(1, 1))
    assert cache.open(paths[0]) is not opened[0]


def test_layers_count_and_go(tmp_path: Path) -> None:
    """Maps and colors count as bytes held; a picture too large for the cache keeps the layer asked for alone."""
    write_maps(tmp_path / "m.fits")
    path = tmp_path / "m.fits"
    whole = open_picture(path).nbytes
    cache = PictureCache(limit=whole + 1)
    picture = cache.open(path, key="NOISE")
    assert picture.nbytes >= whole + 4 * ROWS * COLUMNS
    cache.open(path, key="USED")
    assert picture.layer("NOISE") is None
    assert picture.layer("USED") is not None
    assert picture.layer() is not None


# The reader


def test_no_frame_is_opened_on_the_main_thread(qtbot: QtBot, tmp_path: Path, panel: PicturePanel) -> None:
    """Whatever is shown, sound, packed, broken, with its maps: other threads open it."""
    write_maps(tmp_path / "maps.fits")
    paths = [save(tmp_path / "a.fits", NUMBERS), save(tmp_path / "p.fits.fz", NUMBERS, packed=True)]
    (tmp_path / "broken.fits").write_bytes(Path(paths[0]).read_bytes()[:9000])
    opened_on.clear()
    for path in paths:
        shown(qtbot, panel, path)
    choose(qtbot, panel, "USED", shown(qtbot, panel, str(tmp_path / "maps.fits")))
    panel.show_path(str(tmp_path / "broken.fits"))
    qtbot.waitUntil(lambda: "cannot be shown" in panel.view.words, timeout=5000)
    panel.grab()
    mine = [(path, main) for path, main in opened_on if path.startswith(str(tmp_path))]
    assert {os.path.basename(path) for path, _ in mine} == {"a.fits", "p.fits.fz", "maps.fits", "broken.fits"}
    assert not any(main for _, main in mine)


def test_a_newer_request_replaces_one_not_begun(
    qtbot: QtBot, tmp_path: Path, reader: PictureReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many files asked for while one is read, the last alone is read next; signals come on the main thread."""
    paths = [save(tmp_path / f"{index}.fits", NUMBERS) for index in range(6)]
    begun, gate = threading.Event(), threading.Event()
    original = pyramid.open_picture

    def slow(path: str, *, info: FrameInfo | None, stopped: Callable[[], bool]) -> Picture:
        begun.set()
        assert gate.wait(5)
        return original(path, stopped=stopped)

    monkeypatch.setattr(pyramid, "open_picture", slow)
    came: list[str] = []
    threads: set[threading.Thread] = set()
    reader.ready.connect(lambda picture: (came.append(picture.name), threads.add(threading.current_thread())))
    reader.show(paths[0])
    assert begun.wait(5)
    for path in paths[1:]:
        reader.show(path)
    gate.set()
    qtbot.waitUntil(lambda: len(came) == 2, timeout=5000)
    qtbot.wait(50)
    assert came == ["0.fits", "5.fits"]
    assert threads == {threading.main_thread()}


def test_two_panels_share_a_reader(qtbot: QtBot, tmp_path: Path, reader: PictureReader) -> None:
    """Each shows what it was asked to show, and nothing of the other."""
    panels = [new_panel(qtbot, reader) for _ in range(2)]
    paths = [save(tmp_path / f"{index}.fits", NUMBERS) for index in range(2)]
    for panel, path in zip(panels, paths, strict=True):
        panel.show_path(path)
    for panel, path in zip(panels, paths, strict=True):
        qtbot.waitUntil(lambda: panel.view.picture is not None, timeout=5000)  # noqa: B023
        assert panel.view.picture is not None
        assert panel.view.picture.path == path


def test_stopping_takes_no_time(qtbot: QtBot, tmp_path: Path) -> None:
    """The thread ends within 300 ms, idle or in the middle of a large file, and emits nothing afterwards."""
    idle = PictureReader()
    idle.show(save(tmp_path / "a.fits", NUMBERS))
    qtbot.waitSignal(idle.ready, timeout=5000).wait()
    begun = time.perf_counter()
    idle.stop()
    assert time.perf_counter() - begun < 0.3
    assert not idle.is_running()
    path = save(tmp_path / "big.fits", np.zeros(BIG, np.uint16))
    busy = PictureReader()
    came: list[object] = []
    busy.ready.connect(came.append)
    busy.show(path)
    time.sleep(0.02)
    begun = time.perf_counter()
    busy.stop()
    assert time.perf_counter() - begun < 0.3
    busy.show(path)
    qtbot.wait(300)
    assert not busy.is_running()
    assert came == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"hello", "no FITS file"), (None, "does not exist"), (b"SIMPLE  =", "cut short")],
)
def test_a_broken_file_tells_its_reason(
    qtbot: QtBot, tmp_path: Path, panel: PicturePanel, content: bytes | None, reason: str
) -> None:
    """The view says which file cannot be shown and why; the next sound file is shown as ever."""
    path = tmp_path / "broken.fits"
    if content is not None:
        path.write_bytes(content)
    panel.show_path(str(path))
    assert panel.view.words == "Reading broken.fits ..."
    qtbot.waitUntil(lambda: "cannot be shown" in panel.view.words, timeout=5000)
    assert panel.view.words.startswith("broken.fits cannot be shown: ")
    assert reason in panel.view.words
    shown(qtbot, panel, save(tmp_path / "a.fits", NUMBERS))
    assert panel.view.words == ""


def test_a_map_that_is_damaged_tells_its_reason(qtbot: QtBot, tmp_path: Path, panel: PicturePanel) -> None:
    """Of a file that was replaced by one without the map, the picture says so instead of waiting for ever."""
    write_maps(tmp_path / "m.fits")
    path = str(tmp_path / "m.fits")
    picture = shown(qtbot, panel, path)
    write_image(path, image=FLOATS, cards=[("EVFDGST", "abc", "")], overwrite=True)
    with pytest.raises(ValueError, match="NOISE"):
        picture.prepare("NOISE")
    panel.show_box.setCurrentIndex(panel.show_box.findData("NOISE"))
    panel.show_box.activated.emit(1)
    qtbot.waitUntil(lambda: panel.show_box.count() == 1, timeout=5000)
    assert panel.view.words == ""


# The panel


def test_nothing_chosen_says_so(qtbot: QtBot, tmp_path: Path, panel: PicturePanel) -> None:
    """Without a frame the view asks for one, in words that a screen reader reads too."""
    assert panel.view.words == "Choose a frame to see it."
    assert panel.view.accessibleDescription() == panel.view.words
    shown(qtbot, panel, save(tmp_path / "a.fits", NUMBERS))
    panel.show_path(None)
    assert panel.view.words == "Choose a frame to see it."
    assert panel.view.picture is None


def test_zoom_and_place_stay_while_blinking(qtbot: QtBot, tmp_path: Path, panel: PicturePanel) -> None:
    """Pictures of equal shape follow each other at the same place, also after one that is broken; others are fitted."""
    paths = [save(tmp_path / f"{index}.fits", NUMBERS + np.uint16(index)) for index in range(3)]
    shown(qtbot, panel, paths[0])
    panel.view.zoom_to(11.0)
    panel.view.move_by(130, -70)
    before = (panel.view.zoom, panel.view.center)
    move_mouse(panel.view, QPointF(100, 100))
    first = panel.readout.text()
    shown(qtbot, panel, paths[1])
    assert (panel.view.zoom, panel.view.center) == before
    assert panel.readout.text().split(":")[0] == first.split(":")[0]
    assert panel.readout.text() != first
    panel.show_path(str(tmp_path / "absent.fits"))
    qtbot.waitUntil(lambda: "cannot be shown" in panel.view.words, timeout=5000)
    shown(qtbot, panel, paths[2])
    assert (panel.view.zoom, panel.view.center) == before
    shown(qtbot, panel, save(tmp_path / "other.fits", NUMBERS[:50]))
    assert panel.view.fits


def test_nothing_is_told_of_a_picture_that_is_old(
    qtbot: QtBot, tmp_path: Path, panel: PicturePanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the next is read, no number of the one before is shown under its name, and words say what is going on."""
    shown(qtbot, panel, save(tmp_path / "a.fits", NUMBERS))
    move_mouse(panel.view, panel.view.point_of(5, 5))
    assert "ADU" in panel.readout.text()
    gate = threading.Event()
    original = pyramid.open_picture

    def slow(path: str, *, info: FrameInfo | None, stopped: Callable[[], bool]) -> Picture:
        assert gate.wait(5)
        return original(path, stopped=stopped)

    monkeypatch.setattr(pyramid, "open_picture", slow)
    panel.show_path(save(tmp_path / "b.fits", NUMBERS))
    move_mouse(panel.view, panel.view.point_of(5, 5))
    assert "ADU" not in panel.readout.text()
    assert panel.value_at_widget_position(panel.view.mapTo(panel, QPoint(100, 100))) is None
    qtbot.waitUntil(lambda: panel.view.words == "Reading b.fits ...", timeout=2000)
    gate.set()
    qtbot.waitUntil(lambda: panel.view.words == "", timeout=5000)


def test_keys(qtbot: QtBot, tmp_path: Path, panel: PicturePanel) -> None:
    """+ and - zoom, 0 fits, 1 is one to one, arrows ask for the neighbor, Shift with arrows moves."""
    shown(qtbot, panel, save(tmp_path / "a.fits", NUMBERS))
    view = panel.view
    fitted = view.zoom
    qtbot.keyClick(view, Qt.Key.Key_Plus)
    assert view.zoom == pytest.approx(2 * fitted)
    qtbot.keyClick(view, Qt.Key.Key_Minus)
    assert view.zoom == pytest.approx(fitted)
    qtbot.keyClick(view, Qt.Key.Key_1)
    assert view.zoom == 1.0
    assert not view.fits
    qtbot.keyClick(view, Qt.Key.Key_0)
    assert view.zoom == fitted
    assert view.fits
    steps: list[int] = []
    panel.blink.connect(steps.append)
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down):
        qtbot.keyClick(view, key)
    assert steps == [-1, 1, -1, 1]
    view.zoom_to(20.0)
    right, down = view.center
    qtbot.keyClick(view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(view, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert view.center[0] > right
    assert view.center[1] < down
    assert len(steps) == 4


def test_the_wheel_zooms_around_the_cursor_and_dragging_moves(
    qtbot: QtBot, tmp_path: Path, panel: PicturePanel
) -> None:
    """The pixel under the cursor stays there; a dragged picture follows the mouse."""
    shown(qtbot, panel, save(tmp_path / "a.fits", NUMBERS))
    view = panel.view
    point = QPointF(view.width() * 0.4, view.height() * 0.6)
    view.zoom_to(8.0)
    before = view.pixel_at(point)
    wheel = QWheelEvent(
        point,
        QPointF(view.mapToGlobal(point.toPoint())),
        QPoint(),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, wheel)
    assert view.zoom == pytest.approx(16.0)
    assert view.pixel_at(point) == before
    middle = view.rect().center()
    held = view.pixel_at(middle)
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseMove(view, middle + QPoint(32, 48))
    move_mouse(view, QPointF(middle + QPoint(32, 48)))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=middle + QPoint(32, 48))
    assert view.pixel_at(middle + QPoint(32, 48)) == held


NASTY = ["<b>bold<i>.fits", "two\nlines.fits", "tab\there.fits", "\u202egnp.fits", "a\u200fb\u2067c.fits", "n" * 195]


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_are_shown_literally(qtbot: QtBot, tmp_path: Path, panel: PicturePanel, name: str) -> None:
    """Markup is no markup, controls and marks of direction are escapes, and nothing is cut."""
    (tmp_path / name).write_bytes(b"no picture")
    panel.show_path(str(tmp_path / name))
    assert literal(name) in panel.view.words
    qtbot.waitUntil(lambda: "cannot be shown" in panel.view.words, timeout=5000)
    assert literal(name) in panel.view.words
    assert not any(sign in panel.view.words for sign in "\n\t\u202e\u200f\u2067")
    panel.grab()


def test_names_that_are_no_utf_8(qtbot: QtBot, tmp_path: Path, panel: PicturePanel) -> None:
    """A name of foreign bytes is shown by its escapes, whether the file is sound or not."""
    name = os.fsdecode(b"fl\xe4t.fits")
    try:
        (tmp_path / name).write_bytes(b"no picture")
    except (OSError, UnicodeError):
        pytest.skip("this file system has no such names")
    panel.show_path(str(tmp_path / name))
    qtbot.waitUntil(lambda: "cannot be shown" in panel.view.words, timeout=5000)
    assert panel.view.words.startswith("fl\\udce4t.fits cannot be shown: ")


def test_literal_shows_what_cannot_be_seen() -> None:
    """Escapes for controls and marks of direction; everything else as it is."""
    assert literal("a\nb\tc\rd\x00\x7f\x9b") == "a\\nb\\tc\\rd\\u0000\\u007f\\u009b"
    marks = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u2028"
    assert literal(marks) == "".join(f"\\u{ord(mark):04x}" for mark in marks)
    assert literal("Hα 5 s \N{TELESCOPE} <i>") == "Hα 5 s \N{TELESCOPE} <i>"
    assert len(literal("x" * 5000)) == 5000


def test_every_control_has_a_name_and_labels_are_plain(qtbot: QtBot, reader: PictureReader) -> None:
    """Widgets that take the focus have accessible names, nothing is disabled, no label takes markup."""
    panel = new_panel(qtbot, reader, profile=True)
    for widget in panel.findChildren(QWidget):
        assert widget.isEnabled()
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus and widget.isVisible():
            assert widget.accessibleName()
        if isinstance(widget, QLabel):
            assert widget.textFormat() == Qt.TextFormat.PlainText
    names = [panel.view.accessibleName(), panel.histogram.accessibleName(), panel.profile.accessibleName()]  # type: ignore[union-attr]
    assert names == ["Picture", "Histogram", "Profile"]


@pytest.mark.parametrize("width", [280, 1400])
def test_it_fits_a_column_and_a_page(qtbot: QtBot, tmp_path: Path, reader: PictureReader, width: int) -> None:
    """In 280 px nothing is cut or overlaps; a wide page has the controls on one line."""
    panel = new_panel(qtbot, reader, width=width, profile=True)
    shown(qtbot, panel, save(tmp_path / "a.fits", NUMBERS, BAYERPAT="RGGB"))
    move_mouse(panel.view, panel.view.point_of(100, 77))
    qtbot.wait(20)
    assert panel.width() == width
    visible = [one for one in panel.findChildren(QWidget) if one.parent() is panel and one.isVisible()]
    for index, one in enumerate(visible):
        assert panel.rect().contains(one.geometry())
        assert not any(one.geometry().intersects(other.geometry()) for other in visible[:index])
    assert (panel.show_box.y() == panel.stretch_box.y()) == (width == 1400)


@pytest.mark.parametrize("window", [QColor(240, 240, 240), QColor(40, 40, 44)])
def test_focus_and_words_are_seen_in_light_and_dark(qtbot: QtBot, window: QColor) -> None:
    """The focus changes what is painted, and words stand out from their background by 4.5 at least."""
    view = PictureView()
    qtbot.addWidget(view)
    view.setPalette(QPalette(window))
    view.resize(300, 200)
    view.show_words("Choose a frame to see it.")
    view.show()
    qtbot.waitExposed(view)
    view.clearFocus()
    plain = view.grab().toImage()
    values = [luminance(plain.pixelColor(x, y)) for x in range(40, 260) for y in range(80, 120)]
    assert (max(values) + 0.05) / (min(values) + 0.05) >= 4.5
    view.setFocus()
    qtbot.waitUntil(view.hasFocus)
    assert view.grab().toImage() != plain


def luminance(color: QColor) -> float:
    parts = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in color.getRgbF()[:3]]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def test_the_histogram_marks_the_stretch(qtbot: QtBot, tmp_path: Path, panel: PicturePanel) -> None:
    """Black, middle and white lie in their order where the stretch has them; another stretch moves them."""
    picture = shown(qtbot, panel, save(tmp_path / "a.fits", RNG.normal(900, 30, (80, 90)).astype(np.uint16)))
    layer = picture.layer()
    assert layer is not None
    stretch = layer.stretch("automatic")
    places = [panel.histogram.place_of(value) for value in (stretch.black, stretch.midtone, stretch.white)]
    assert places == sorted(places)
    assert f"Black {stretch.black:.5g}" in panel.marks.text()
    panel.log_box.setChecked(False)
    assert not panel.histogram.logarithmic
    before = panel.histogram.grab().toImage()
    panel.stretch_box.setCurrentIndex(panel.stretch_box.findData("full"))
    panel.stretch_box.activated.emit(2)
    panel.range_box.setChecked(True)
    assert panel.histogram.grab().toImage() != before
    assert f"Black {layer.statistics.least:.5g}" in panel.marks.text()
    assert panel.histogram.accessibleDescription().startswith(f"Values from {layer.statistics.least:.0f} ")


def test_charts_may_be_empty(qtbot: QtBot) -> None:
    """Without a picture the charts are painted all the same."""
    for chart in (HistogramView(), ProfileView()):
        qtbot.addWidget(chart)
        chart.resize(200, 150)
        assert not chart.grab().isNull()


# Real frames


REAL = {
    "flat": "ast443-cgs-bigccd/flat-expos23s-Neg5-Vis.00000000.FIT",
    "light of a color camera": "als-osc-lights/Light_1069.fits",
    "camera raw": "raw-dslr/rawtran/IMG_5952.CR2",
    "solar": "msdp-solar/Flats/m003_b0101_ms_20150604_08543374_y1.fit",
}


@pytest.mark.real
@pytest.mark.parametrize("name", REAL)
def test_real_frames(qtbot: QtBot, real_data: Path, panel: PicturePanel, name: str) -> None:
    """Cameras' own files are shown, with the numbers that other readers give."""
    path = real_data / REAL[name]
    picture = shown(qtbot, panel, str(path))
    if path.suffix == ".CR2":
        import rawpy

        with rawpy.imread(str(path)) as raw:
            stored = raw.raw_image_visible.copy()
    else:
        stored = fits.getdata(path)
    assert picture.shape == stored.shape
    for x, y in ((1, 1), (300, 200), (stored.shape[1], stored.shape[0])):
        assert picture.value(x, y) == stored[y - 1, x - 1]
    layer = picture.layer()
    assert layer is not None
    middle = shades(layer.levels[-1], layer.stretch("automatic"))
    # Neither black nor white: something is seen of it.
    assert 20 < np.median(middle) < 230
    assert ("R" in picture.keys) == (name in ("light of a color camera", "camera raw"))


def test_corrections_of_the_user_turn_the_picture(qtbot: QtBot, tmp_path: Path, panel: PicturePanel) -> None:
    """A row order that the user corrected counts, not that of the header; the numbers of the pixels stay."""
    path = save(tmp_path / "a.fits", NUMBERS, ROWORDER="BOTTOM-UP")
    picture = shown(qtbot, panel, path)
    assert not picture.top_down
    setup = msgspec.structs.replace(picture.info.setup, row_order="TOP-DOWN")
    panel.show_path(path, msgspec.structs.replace(picture.info, setup=setup))
    qtbot.waitUntil(lambda: panel.view.picture is not None and panel.view.picture.top_down, timeout=10000)
    turned = panel.view.picture
    assert turned is not None
    assert turned.value(3, 5) == picture.value(3, 5) == NUMBERS[4, 2]
