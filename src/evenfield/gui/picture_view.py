"""The picture part of the window: controls, the picture, the value under the mouse, histogram and profile."""

from __future__ import annotations

import math
import os
from typing import Final

from PySide6.QtCore import QPoint, QSignalBlocker, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QCheckBox, QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from evenfield.gui.flow import FlowLayout
from evenfield.gui.picture_canvas import PictureView
from evenfield.gui.picture_charts import HistogramView, ProfileView, number_text, short_text
from evenfield.gui.picture_reader import PictureReader, sendable
from evenfield.gui.pyramid import FLAG_MAPS, WHOLE, Picture, flag_words
from evenfield.gui.words import mark, tr
from evenfield.model.frame import FrameInfo
from evenfield.model.literal import literal

__all__ = ["HistogramView", "PicturePanel", "PictureView", "ProfileView"]

_LAYER_WORDS: Final = {
    WHOLE: mark("Whole picture"),
    "R": mark("Red pixels"),
    "G1": mark("Green pixels in red rows"),
    "G2": mark("Green pixels in blue rows"),
    "B": mark("Blue pixels"),
    "NOISE": mark("Map: noise"),
    "USED": mark("Map: samples used"),
    "LOW": mark("Map: rejected low"),
    "HIGH": mark("Map: rejected high"),
    "DEFECTS": mark("Map: defects"),
    "MASK": mark("Map: flags"),
}
_UNIT_WORDS: Final = {"adu": mark("ADU"), "electron": mark("e-"), "samples": mark("samples")}
_STRETCHES: Final = {
    "automatic": (mark("Automatic"), mark("Shows faint differences: the middle value becomes a dark or middle gray.")),
    "linear": (
        mark("Linear"),
        mark("A straight line from black to white, without the lowest and highest 0.1 % of the pixels."),
    ),
    "full": (mark("Full range"), mark("A straight line from the least value to the greatest.")),
}

_DELAY_MS: Final = 150
"""So long a picture stays as it is while the next is read: what is in memory comes without a flicker."""


class PicturePanel(QWidget):
    """A picture with its controls, for a narrow column (280 px) and a wide page alike.

    Parameters
    ----------
    reader : PictureReader
        May be shared with other panels.
    with_profile : bool
        Whether the profile is shown, as for flats.

    Notes
    -----
    ``blink(step)`` and ``pointed(x, y, adu)`` are those of `PictureView`. ``charts`` holds histogram and profile; a
    page with room for them elsewhere may take it there.
    """

    blink = Signal(int)
    pointed = Signal(int, int, object)

    def __init__(self, reader: PictureReader, *, with_profile: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reader = reader
        self._path: str | None = None
        self._info: FrameInfo | None = None
        self._asked: set[str] = set()
        self._wanted_key = WHOLE
        self._shown_key = WHOLE
        self._waits = False
        self.view = PictureView()
        self.histogram = HistogramView()
        self.profile = ProfileView() if with_profile else None
        self.charts = QWidget()
        self.readout = _label()
        self.marks = _label()
        self._make_controls()
        self._arrange()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.timeout.connect(self._say_waiting)
        self.view.blink.connect(self.blink)
        self.view.pointed.connect(self._show_pointed)
        self.view.zoomed.connect(self._show_zoom)
        reader.ready.connect(self._take_picture)
        reader.failed.connect(self._take_failure)
        self.show_path(None)

    # What is shown

    @property
    def path(self) -> str | None:
        """The absolute path of the file that was asked for last."""
        return self._path

    @property
    def waits(self) -> bool:
        """Whether a picture is still to come."""
        return self._waits

    @property
    def layer_key(self) -> str:
        """The key of the layer that is seen, see `evenfield.gui.pyramid`."""
        return self._shown_key

    def show_path(self, path: str | None, info: FrameInfo | None = None) -> None:
        """Read and show a file; ``None``: nothing is chosen. Returns at once.

        ``info`` is what is known of the frame, with the user's corrections; by default, what its header says.
        """
        self._info = info
        if path is None:
            self._reader.forget(self)
            self._timer.stop()
            self._waits = False
            self._path = None
            self._asked.clear()
            self._empty(tr("Choose a frame to see it."))
            return
        where = os.path.abspath(path)
        self._path = where
        self._asked.add(where)
        if self.view.picture is None:
            self._empty(self._reading())
        else:
            # At once nothing is told of the old picture; words come if it takes longer.
            self.readout.setText("")
            self._timer.start()
        self._waits = True
        self._reader.show(where, layer=self._wanted_key, asker=self, info=info)

    def value_at_widget_position(self, point: QPoint) -> tuple[int, int, int | float] | None:
        """The pixel at a point of this widget: x and y, counted from 1 in file order, and its number; or ``None``."""
        if self._is_old():
            return None
        return self.view.pixel_at(self.view.mapFrom(self, point))

    def _is_old(self) -> bool:
        """Whether what is seen is not what was asked for last."""
        picture = self.view.picture
        return picture is None or picture.path != self._path

    def _reading(self) -> str:
        return tr("Reading {name} ...").format(name=literal(os.path.basename(self._path or "")))

    @Slot()
    def _say_waiting(self) -> None:
        self.view.show_waiting(self._reading())

    def _empty(self, words: str) -> None:
        self.view.show_words(words)
        self.histogram.show_histogram(None)
        self.marks.setText("")
        if self.profile is not None:
            self.profile.show_profile(None)

    @Slot(object)
    def _take_picture(self, picture: Picture) -> None:
        """Show a picture that was asked for here; one that came late is seen until the right one is there."""
        if not self._waits or picture.path not in self._asked:
            return
        newest = picture.path == self._path
        if newest:
            self._asked = {picture.path}
        key = self._wanted_key if self._wanted_key in picture.keys else WHOLE
        if picture.layer(key) is None:
            if newest:
                self._reader.show(picture.path, layer=key, asker=self, info=self._info)
            return
        if newest:
            self._timer.stop()
            self._waits = False
        self._offer(picture, key)
        self._show(picture, key)
        if not newest:
            self.view.show_waiting(self._reading())

    @Slot(str, str)
    def _take_failure(self, path: str, message: str) -> None:
        if self._path is None or path != sendable(self._path):
            return
        self._timer.stop()
        self._waits = False
        self._asked = {self._path}
        name = literal(os.path.basename(self._path))
        self._empty(tr("{name} cannot be shown: {reason}").format(name=name, reason=message))

    def _show(self, picture: Picture, key: str) -> None:
        layer = picture.layer(key)
        if layer is None:
            return
        self._shown_key = key
        name = self.stretch_box.currentData()
        stretch = layer.stretch(name)
        self.view.show_picture(picture, key, stretch=name)
        whole_range = self.range_box.isChecked()
        self.histogram.show_histogram(layer.histogram if whole_range else layer.main_histogram, stretch)
        if self.profile is not None:
            self.profile.show_profile(layer.profile)
        self.marks.setText(
            tr("Black {black}, middle gray {middle}, white {white}").format(
                black=short_text(stretch.black), middle=short_text(stretch.midtone), white=short_text(stretch.white)
            )
        )

    # Controls

    def _make_controls(self) -> None:
        self.show_box = _combo(tr("Show"))
        self.show_box.addItem(tr(_LAYER_WORDS[WHOLE]), WHOLE)
        self.show_box.setToolTip(
            tr("Colors are offered for frames of a Bayer mosaic, maps for masters and lights made with --maps.")
        )
        self.stretch_box = _combo(tr("Stretch"))
        for name, (words, tip) in _STRETCHES.items():
            self.stretch_box.addItem(tr(words), name)
            self.stretch_box.setItemData(self.stretch_box.count() - 1, tr(tip), Qt.ItemDataRole.ToolTipRole)
        self.fit_button = _button(tr("Fit"), tr("Fit the whole picture"), tr("Key 0 in the picture"))
        self.one_button = _button(tr("1:1"), tr("One to one"), tr("Key 1 in the picture"))
        self.zoom_label = _label()
        self.zoom_label.setWordWrap(False)
        # Room for every zoom, so that nothing moves while the wheel is turned.
        self.zoom_label.setMinimumWidth(self.zoom_label.fontMetrics().horizontalAdvance("1,000 %"))
        self.log_box = QCheckBox(tr("Logarithmic"))
        self.log_box.setAccessibleName(tr("Logarithmic counts"))
        self.log_box.setChecked(True)
        self.range_box = QCheckBox(tr("Whole range"))
        self.range_box.setAccessibleName(tr("Histogram of the whole range"))
        self.range_box.setToolTip(tr("Otherwise the values between black and white are shown."))
        self.show_box.activated.connect(self._choose_layer)
        self.stretch_box.activated.connect(self._show_again)
        self.fit_button.clicked.connect(self.view.zoom_fit)
        self.one_button.clicked.connect(self._show_one_to_one)
        self.log_box.toggled.connect(self.histogram.set_logarithmic)
        self.range_box.toggled.connect(self._show_again)

    def _arrange(self) -> None:
        self._controls = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._names = (_label(tr("Show")), _label(tr("Stretch")))
        for name, box in zip(self._names, (self.show_box, self.stretch_box), strict=True):
            self._controls.addLayout(_row(name, box), 1)
        zoom = QHBoxLayout()
        for widget in (self.fit_button, self.one_button, self.zoom_label):
            zoom.addWidget(widget)
        zoom.addStretch(1)
        self._controls.addLayout(zoom)
        checks = FlowLayout(spacing=8)
        checks.addWidget(self.log_box)
        checks.addWidget(self.range_box)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.setSpacing(4)
        layout.addLayout(self._controls)
        layout.addWidget(self.view, 1)
        self.readout.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.readout)
        below = QVBoxLayout(self.charts)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(4)
        below.addWidget(self.histogram)
        below.addWidget(self.marks)
        below.addLayout(checks)
        if self.profile is not None:
            below.addWidget(self.profile)
        layout.addWidget(self.charts)
        self.setMinimumWidth(240)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the controls on one line where there is room."""
        super().resizeEvent(event)
        wide = self.width() >= self._width_of_controls()
        policy = QComboBox.SizeAdjustPolicy
        for box in (self.show_box, self.stretch_box):
            box.setSizeAdjustPolicy(policy.AdjustToContents if wide else policy.AdjustToMinimumContentsLengthWithIcon)
        direction = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        if self._controls.direction() != direction:
            self._controls.setDirection(direction)
        # Two lines where one may not do: the picture must not jump while the mouse moves.
        self.readout.setMinimumHeight((1 if wide else 2) * self.fontMetrics().lineSpacing())

    def _width_of_controls(self) -> int:
        """The width that the controls need on one line, whatever is chosen in them."""
        metrics = self.fontMetrics()
        width = sum(name.sizeHint().width() for name in self._names)
        width += sum(one.sizeHint().width() for one in (self.fit_button, self.one_button))
        for box in (self.show_box, self.stretch_box):
            width += 40 + max(metrics.horizontalAdvance(box.itemText(place)) for place in range(box.count()))
        return width + metrics.horizontalAdvance("1,000 %") + 70

    def _offer(self, picture: Picture, key: str) -> None:
        """Offer the layers that a picture has."""
        blocker = QSignalBlocker(self.show_box)
        if tuple(self.show_box.itemData(place) for place in range(self.show_box.count())) != picture.keys:
            self.show_box.clear()
            for one in picture.keys:
                self.show_box.addItem(tr(_LAYER_WORDS[one]), one)
        self.show_box.setCurrentIndex(picture.keys.index(key))
        blocker.unblock()

    @Slot()
    def _choose_layer(self) -> None:
        self._wanted_key = self.show_box.currentData() or WHOLE
        picture = self.view.picture
        if picture is None or self._path is None:
            return
        if picture.path == self._path and picture.layer(self._wanted_key) is not None:
            self._show(picture, self._wanted_key)
        else:
            self.show_path(self._path, self._info)

    @Slot()
    def _show_again(self) -> None:
        picture = self.view.picture
        if picture is not None:
            self._show(picture, self._shown_key)

    @Slot()
    def _show_one_to_one(self) -> None:
        self.view.zoom_to(1.0)

    @Slot(float)
    def _show_zoom(self, zoom: float) -> None:
        self.zoom_label.setText(f"{zoom * 100:,.0f} %" if zoom >= 0.1 else f"{zoom * 100:.2g} %")

    # The value under the mouse

    @Slot(int, int, object)
    def _show_pointed(self, x: int, y: int, adu: int | float | None) -> None:
        picture = self.view.picture
        if picture is not None and self._is_old():
            x, y, adu = 0, 0, None
        self.pointed.emit(x, y, adu)
        if picture is None:
            self.readout.setText("")
        elif adu is None:
            self.readout.setText(tr("Point at a pixel: x and y count from 1, as in the file."))
        else:
            self.readout.setText(self._pixel_text(picture, x, y, adu))

    def _pixel_text(self, picture: Picture, x: int, y: int, adu: int | float) -> str:
        key = self._shown_key
        place = f"x {x}, y {y}: "
        if key in FLAG_MAPS:
            words = "; ".join(flag_words(int(adu))) if not math.isnan(adu) else ""
            return place + (words or tr("nothing wrong"))
        unit = _UNIT_WORDS.get(picture.unit(key), "")
        text = place + f"{number_text(adu)} {tr(unit) if unit and not math.isnan(adu) else ''}".strip()
        full = picture.full_scale(key)
        if full and not math.isnan(adu):
            text += f" ({tr('{share} % of full scale').format(share=f'{100 * adu / full:.1f}')})"
        return text


def _label(text: str = "") -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(bool(not text))
    return label


def _row(label: QLabel, box: QComboBox) -> QHBoxLayout:
    row = QHBoxLayout()
    label.setBuddy(box)
    row.addWidget(label)
    row.addWidget(box, 1)
    return row


def _combo(name: str) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(8)
    return box


def _button(text: str, name: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setAccessibleName(name)
    button.setToolTip(f"{name}. {tip}.")
    # As narrow as its word, so that a narrow column has room for it.
    button.setMinimumWidth(button.fontMetrics().horizontalAdvance(text) + 24)
    return button
