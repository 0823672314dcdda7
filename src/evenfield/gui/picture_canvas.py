"""The picture itself: the visible part of a layer, moved and enlarged by mouse and keys."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from evenfield.examine.stretch import NO_VALUE, Stretch, shades
from evenfield.gui.picture_layer import Layer
from evenfield.gui.pyramid import WHOLE, Picture
from evenfield.gui.words import tr

GREATEST_ZOOM: Final = 64.0
_WHEEL_DOUBLE: Final = 240.0  # two notches of a wheel
_KEY_STEP: Final = 2.0
_COARSER: Final = math.sqrt(2)
"""A level's pixels may be so many screen pixels large before a finer one is taken."""

_BLANK_COLOR: Final = QColor(150, 30, 60)
"""Of pixels without a value: no shade of gray looks like it."""

_COLORS: Final = [*(QColor(shade, shade, shade).rgb() for shade in np.linspace(0, 255, NO_VALUE).astype(int).tolist())]


class PictureView(QWidget):
    """Paints the visible part of one layer of a `Picture`, or words in its place.

    ``pointed(x, y, adu)`` tells the pixel under the mouse, counted from 1 in file order, and its number; (0, 0, None)
    outside. ``blink(step)`` tells that an arrow key was pressed: +1 for right and down, -1 for left and up.
    ``zoomed(zoom)`` tells a new zoom, in pixels of the screen to one of the file. Wheel, + and - zoom, 0 fits the
    picture, 1 shows it one to one, dragging and Shift with arrows move it.
    """

    pointed = Signal(int, int, object)
    blink = Signal(int)
    zoomed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("Picture"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 90)
        self._picture: Picture | None = None
        self._layer: Layer | None = None
        self._stretch = Stretch(black=0.0, white=1.0)
        self._words = ""
        self._waiting = ""
        self._fits = True
        self._zoom = 1.0
        self._told_zoom = 0.0
        self._center = QPointF(0.0, 0.0)
        self._shape: tuple[int, int] | None = None
        self._mouse: QPointF | None = None
        self._drag: QPointF | None = None
        self._drawn: tuple[object, QImage] | None = None

    # What is shown

    @property
    def picture(self) -> Picture | None:
        """The picture that is shown."""
        return self._picture

    @property
    def words(self) -> str:
        """The words inside the view, "" where the picture alone is seen."""
        return self._words or self._waiting

    @property
    def zoom(self) -> float:
        """Pixels of the screen to one of the file."""
        return self._zoom

    @property
    def center(self) -> tuple[float, float]:
        """Where the middle of the view lies: (right, down) from the shown picture's upper left corner, file pixels."""
        return self._center.x(), self._center.y()

    @property
    def fits(self) -> bool:
        """Whether the whole picture is fitted into the view, whatever size that gets."""
        return self._fits

    def show_picture(self, picture: Picture, key: str = WHOLE, *, stretch: str = "automatic") -> None:
        """Show a layer that is ready; zoom and place stay where the picture before had the same shape.

        Raises
        ------
        ValueError
            If the layer is not ready.
        """
        layer = picture.layer(key)
        if layer is None:
            raise ValueError(f"layer {key} is not ready")
        self._picture, self._layer, self._stretch = picture, layer, layer.stretch(stretch)
        self._drawn = None
        self._words = "" if layer.statistics.valid else tr("No pixel of it has a value.")
        self._waiting = ""
        if picture.shape != self._shape:
            self._shape = picture.shape
            self._fits = True
        self._settle()
        self.setAccessibleDescription(self._words)
        self._tell_pointed()
        self.update()

    def show_words(self, words: str) -> None:
        """Show words (literal text) and no picture. Where the next one has the same shape, zoom and place are kept."""
        self._picture = self._layer = self._drawn = None
        self._words, self._waiting = words, ""
        self.setAccessibleDescription(words)
        self._tell_pointed()
        self.update()

    def show_waiting(self, words: str) -> None:
        """Show words above the picture, which is no longer the one asked for: nothing of it is told any more."""
        if self._layer is None:
            self.show_words(words)
            return
        self._waiting = words
        self.setAccessibleDescription(words)
        self._tell_pointed()
        self.update()

    # Zoom and place

    def zoom_fit(self) -> None:
        """Fit the whole picture into the view, and keep it fitted."""
        self._fits = True
        self._settle()

    def zoom_to(self, zoom: float, at: QPointF | None = None) -> None:
        """Zoom so that the picture stays where it is at a point of the widget (default: its middle)."""
        if self._shape is None:
            return
        least = min(self._fitting(), 1.0)
        zoom = min(max(zoom, least), GREATEST_ZOOM)
        point = QPointF(self.width() / 2, self.height() / 2) if at is None else at
        right, down = self._shown_at(point)
        self._fits = False
        self._zoom = zoom
        ratio = self.devicePixelRatioF() / zoom
        self._center = QPointF(
            right - (point.x() - self.width() / 2) * ratio, down - (point.y() - self.height() / 2) * ratio
        )
        self._settle()

    def move_by(self, right: float, down: float) -> None:
        """Look further right and down, by logical pixels of the widget."""
        ratio = self.devicePixelRatioF() / self._zoom
        self._fits = False
        self._center += QPointF(right * ratio, down * ratio)
        self._settle()

    def pixel_at(self, point: QPointF | QPoint) -> tuple[int, int, int | float] | None:
        """The pixel at a point of the widget, (x, y) counted from 1 in file order, and its number; ``None`` outside.

        Of a color of a mosaic it is the pixel of that color in the cell of 2 x 2 pixels at the point.
        """
        if self._picture is None or self._layer is None or self._waiting:
            return None
        right, down = self._shown_at(QPointF(point))
        rows, columns = self._picture.shape
        column, row = math.floor(right), math.floor(down)
        if not (0 <= column < columns and 0 <= row < rows):
            return None
        place = self._layer.place(column, row if self._picture.top_down else rows - 1 - row)
        if place is None:
            return None
        return place[0] + 1, place[1] + 1, self._layer.value(*place)

    def point_of(self, x: int, y: int) -> QPointF:
        """Where the middle of the file's pixel (x, y), counted from 1, lies in the widget."""
        if self._picture is None:
            return QPointF()
        row = y - 0.5 if self._picture.top_down else self._picture.shape[0] - y + 0.5
        left, top = self._corner()
        ratio = self.devicePixelRatioF()
        return QPointF((left + (x - 0.5) * self._zoom) / ratio, (top + row * self._zoom) / ratio)

    def _corner(self) -> tuple[int, int]:
        """Where the shown picture's upper left corner lies, in whole pixels of the screen."""
        ratio = self.devicePixelRatioF()
        return (
            round(self.width() * ratio / 2 - self._center.x() * self._zoom),
            round(self.height() * ratio / 2 - self._center.y() * self._zoom),
        )

    def _shown_at(self, point: QPointF) -> tuple[float, float]:
        """File pixels right of and below the shown picture's upper left corner."""
        left, top = self._corner()
        ratio = self.devicePixelRatioF()
        return (point.x() * ratio - left) / self._zoom, (point.y() * ratio - top) / self._zoom

    def _fitting(self) -> float:
        if self._shape is None:
            return 1.0
        ratio = self.devicePixelRatioF()
        rows, columns = self._shape
        return min(self.width() * ratio / columns, self.height() * ratio / rows, GREATEST_ZOOM)

    def _settle(self) -> None:
        """Keep the picture in the view, and tell what changed."""
        if self._shape is None:
            return
        rows, columns = self._shape
        if self._fits:
            self._zoom = self._fitting()
        half_x = self.width() * self.devicePixelRatioF() / 2 / self._zoom
        half_y = self.height() * self.devicePixelRatioF() / 2 / self._zoom
        self._center = QPointF(
            columns / 2 if 2 * half_x >= columns else min(max(self._center.x(), half_x), columns - half_x),
            rows / 2 if 2 * half_y >= rows else min(max(self._center.y(), half_y), rows - half_y),
        )
        if self._told_zoom != self._zoom:
            self._told_zoom = self._zoom
            self.zoomed.emit(self._zoom)
        self._tell_pointed()
        self.update()

    def _tell_pointed(self) -> None:
        found = None if self._mouse is None else self.pixel_at(self._mouse)
        self.pointed.emit(*(found or (0, 0, None)))

    # Painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the visible part, words, and the frame of the focus."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Window))
        if self._layer is not None and self._picture is not None:
            self._paint_picture(painter, self._picture, self._layer)
        if self._words:
            self._paint_words(painter, self._words, above=self._layer is not None)
        elif self._waiting:
            self._paint_words(painter, self._waiting, above=True)
        if self.hasFocus():
            self._paint_focus(painter)
        painter.end()

    def _paint_picture(self, painter: QPainter, picture: Picture, layer: Layer) -> None:
        ratio = self.devicePixelRatioF()
        rows, columns = picture.shape
        size = layer.step * self._zoom
        index = 0 if size >= 1 / _COARSER else min(len(layer.levels) - 1, int(math.log2(_COARSER / size)))
        level, pixel = layer.levels[index], layer.step << index
        left, top = self._corner()
        first_x, stop_x = _span(left, self.width() * ratio, self._zoom, columns)
        first_y, stop_y = _span(top, self.height() * ratio, self._zoom, rows)
        if not picture.top_down:
            first_y, stop_y = rows - stop_y, rows - first_y
        # One more on each side: smooth edges are made of neighbors.
        column, last_column = max(0, int(first_x // pixel) - 1), min(level.shape[1], math.ceil(stop_x / pixel) + 1)
        row, last_row = max(0, int(first_y // pixel) - 1), min(level.shape[0], math.ceil(stop_y / pixel) + 1)
        if column >= last_column or row >= last_row:
            return
        key = (id(layer), index, column, last_column, row, last_row, self._stretch, picture.top_down)
        if self._drawn is None or self._drawn[0] != key:
            shown = shades(level[row:last_row, column:last_column], self._stretch)
            self._drawn = (key, _image(shown if picture.top_down else shown[::-1]))
        above = row * pixel if picture.top_down else rows - last_row * pixel
        width, height = (last_column - column) * pixel * self._zoom, (last_row - row) * pixel * self._zoom
        painter.save()
        painter.scale(1 / ratio, 1 / ratio)
        whole = QRectF(left, top, max(1.0, columns * self._zoom), max(1.0, rows * self._zoom))
        painter.setClipRect(whole)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, size * (1 << index) < 1 or index > 0)
        target = QRectF(left + column * pixel * self._zoom, top + above * self._zoom, width, height)
        # A single row of many pixels is still seen.
        if rows * self._zoom < 1:
            target = QRectF(target.left(), top, target.width(), 1.0)
        if columns * self._zoom < 1:
            target = QRectF(left, target.top(), 1.0, target.height())
        painter.drawImage(target, self._drawn[1])
        painter.restore()

    def _paint_words(self, painter: QPainter, words: str, *, above: bool) -> None:
        option = QTextOption(Qt.AlignmentFlag.AlignCenter)
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        room = QRectF(self.rect()).adjusted(12, 12, -12, -12)
        if above:
            flags = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap | Qt.TextFlag.TextWrapAnywhere
            needed = QRectF(painter.boundingRect(room, int(flags), words))
            strip = QRectF(0, 0, self.width(), min(needed.height() + 12, self.height()))
            painter.fillRect(strip, self.palette().color(QPalette.ColorRole.Window))
            room = strip.adjusted(12, 4, -12, -4)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        painter.drawText(room, words, option)

    def _paint_focus(self, painter: QPainter) -> None:
        # Two lines: one of them stands out from any picture.
        for inset, role in ((1, QPalette.ColorRole.Highlight), (3, QPalette.ColorRole.Window)):
            painter.setPen(QPen(self.palette().color(role), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset))

    # Mouse, keys, size

    def sizeHint(self) -> QSize:
        """Room for a small picture."""
        return QSize(320, 240)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit again."""
        super().resizeEvent(event)
        self._settle()

    def event(self, event: QEvent) -> bool:
        """Settle anew on a screen of other pixels."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._settle()
        return super().event(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the frame."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide the frame."""
        super().focusOutEvent(event)
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the cursor."""
        turned = event.angleDelta().y()
        if turned and self._layer is not None:
            self.zoom_to(self._zoom * 2 ** (turned / _WHEEL_DOUBLE), event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the picture."""
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton) and self._layer is not None:
            self._drag = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the picture that is held; tell the pixel under the mouse."""
        self._mouse = event.position()
        if self._drag is not None:
            moved, self._drag = self._drag - event.position(), event.position()
            self.move_by(moved.x(), moved.y())
        else:
            self._tell_pointed()

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """Let go."""
        self._drag = None
        self.unsetCursor()

    def leaveEvent(self, event: QEvent) -> None:
        """Tell that no pixel is pointed at."""
        self._mouse = None
        self._tell_pointed()
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom, move, or ask for the neighboring picture."""
        held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        arrow = _ARROWS.get(event.key())
        shifted = held == Qt.KeyboardModifier.ShiftModifier
        if arrow is not None and held == Qt.KeyboardModifier.NoModifier:
            self.blink.emit(1 if sum(arrow) > 0 else -1)
        elif arrow is not None and shifted:
            self.move_by(arrow[0] * self.width() / 8, arrow[1] * self.height() / 8)
        elif held not in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier):
            super().keyPressEvent(event)
        elif event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_to(self._zoom * _KEY_STEP)
        elif event.key() in (Qt.Key.Key_Minus, Qt.Key.Key_Underscore):
            self.zoom_to(self._zoom / _KEY_STEP)
        elif event.key() == Qt.Key.Key_0:
            self.zoom_fit()
        elif event.key() == Qt.Key.Key_1:
            self.zoom_to(1.0)
        else:
            super().keyPressEvent(event)

    def set_stretch(self, name: str) -> None:
        """Take another stretch: "automatic", "linear" or "full"."""
        if self._layer is not None:
            self._stretch = self._layer.stretch(name)
            self.update()


_ARROWS: Final = {
    int(Qt.Key.Key_Left): (-1, 0),
    int(Qt.Key.Key_Right): (1, 0),
    int(Qt.Key.Key_Up): (0, -1),
    int(Qt.Key.Key_Down): (0, 1),
}
"""Key -> (right, down)."""


def _span(start: float, room: float, zoom: float, count: int) -> tuple[float, float]:
    """Which of ``count`` file pixels, of which the first begins at ``start`` on the screen, lie within ``room``."""
    return min(max(-start / zoom, 0.0), count), min(max((room - start) / zoom, 0.0), count)


def _image(shown: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> QImage:
    """Shades (rows, columns) as an image that owns its bytes."""
    whole = np.ascontiguousarray(shown)
    rows, columns = whole.shape
    image = QImage(whole.data, columns, rows, columns, QImage.Format.Format_Indexed8)
    image.setColorTable([*_COLORS, _BLANK_COLOR.rgb()])
    return image.copy()
