"""The charts beside a picture: how often each value occurs, and how brightness runs along the sides."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from evenfield.examine.stretch import Stretch
from evenfield.gui.picture_layer import Histogram, Profile
from evenfield.gui.words import tr
from evenfield.model.pixels import Float64Array

_MARGIN: Final = 4


def number_text(value: float) -> str:
    """A number as it is shown: "31,204", "0.98123", "-1,204.25"; an int with all its digits, a float with seven."""
    if not math.isfinite(value):
        return tr("no value")
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    text = f"{value:.7g}"
    if "e" in text or abs(value) < 1000:
        return text
    whole, _, rest = text.partition(".")
    return f"{int(whole):,}" + (f".{rest}" if rest else "")


def short_text(value: float) -> str:
    """A number beside an axis, with no more than five digits that count."""
    if abs(value) >= 10000 or (float(value).is_integer() and abs(value) >= 1000):
        return f"{round(value):,}"
    return f"{value:.5g}"


class HistogramView(QWidget):
    """A histogram with marks below it for black, middle gray and white: triangles filled black, gray and white."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("Histogram"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumSize(120, 90)
        self._histogram: Histogram | None = None
        self._stretch: Stretch | None = None
        self._logarithmic = True

    @property
    def logarithmic(self) -> bool:
        """Whether heights are the logarithms of counts."""
        return self._logarithmic

    def set_logarithmic(self, logarithmic: bool) -> None:
        """Draw the logarithms of counts, or the counts themselves."""
        self._logarithmic = logarithmic
        self.update()

    def show_histogram(self, histogram: Histogram | None, stretch: Stretch | None = None) -> None:
        """Show a histogram with the marks of a stretch; ``None`` empties the chart."""
        self._histogram, self._stretch = histogram, stretch
        said = ""
        if histogram is not None:
            said = tr("Values from {least} to {greatest}").format(
                least=number_text(histogram.least), greatest=number_text(histogram.greatest)
            )
        self.setAccessibleDescription(said)
        self.update()

    def place_of(self, value: float) -> float:
        """Where a value lies, in pixels from the left; values beyond the ends lie at them."""
        if self._histogram is None:
            return 0.0
        low, high = _ends(self._histogram)
        share = (value - low) / (high - low)
        return _MARGIN + min(max(share, 0.0), 1.0) * (self.width() - 2 * _MARGIN)

    def sizeHint(self) -> QSize:
        """A low strip."""
        return QSize(240, 110)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint bars, marks and the values at both ends."""
        painter = QPainter(self)
        palette = self.palette()
        ink = palette.color(QPalette.ColorRole.WindowText)
        line = painter.fontMetrics().height()
        floor = self.height() - line - 12
        painter.fillRect(self.rect(), palette.color(QPalette.ColorRole.Window))
        if self._histogram is not None:
            chart = QRectF(_MARGIN, 0, self.width() - 2 * _MARGIN, floor)
            painter.fillRect(chart, palette.color(QPalette.ColorRole.Base))
            self._paint_bars(painter, self._histogram, floor)
            low, high = _ends(self._histogram)
            painter.setPen(ink)
            room = QRectF(_MARGIN, self.height() - line, self.width() - 2 * _MARGIN, line)
            painter.drawText(room, Qt.AlignmentFlag.AlignLeft, short_text(low))
            painter.drawText(room, Qt.AlignmentFlag.AlignRight, short_text(high))
            if self._stretch is not None:
                self._paint_marks(painter, self._stretch, floor)
        painter.end()

    def _paint_bars(self, painter: QPainter, histogram: Histogram, floor: float) -> None:
        counts = histogram.counts.astype(np.float64)
        heights = np.log1p(counts) if self._logarithmic else counts
        most = float(heights.max())
        if not most > 0:
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_between(self.palette(), 0.7))
        heights *= (floor - 2) / most
        points = [QPointF(_MARGIN, floor)]
        for index, height in enumerate(heights.tolist()):
            left = self.place_of(histogram.start + index * histogram.width)
            right = self.place_of(histogram.start + (index + 1) * histogram.width)
            # A bin with a single pixel is seen too.
            top = floor - max(1.0, height) if height > 0 else floor
            points += [QPointF(left, top), QPointF(right, top)]
        # One shape: between single bars there would be seams.
        painter.drawPolygon(QPolygonF([*points, QPointF(points[-1].x(), floor)]))

    def _paint_marks(self, painter: QPainter, stretch: Stretch, floor: float) -> None:
        ink = self.palette().color(QPalette.ColorRole.WindowText)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for value, fill in ((stretch.black, 0), (stretch.white, 255), (stretch.midtone, 128)):
            at = self.place_of(value)
            painter.setPen(QPen(ink, 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(at, 0), QPointF(at, floor))
            painter.setPen(QPen(ink, 1))
            painter.setBrush(QColor(fill, fill, fill))
            painter.drawPolygon(
                QPolygonF([QPointF(at, floor + 1), QPointF(at - 5, floor + 10), QPointF(at + 5, floor + 10)])
            )


class ProfileView(QWidget):
    """How brightness runs along both sides: means as full lines, the lines through the center dotted.

    Left is the first column, or the file's first row; right the last.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("Profile"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumSize(160, 140)
        self._profile: Profile | None = None

    def show_profile(self, profile: Profile | None) -> None:
        """Show a profile; ``None`` empties the chart."""
        self._profile = profile
        said = ""
        if profile is not None and (ends := _range_of(profile)) is not None:
            said = tr("Brightness from {least} to {greatest}").format(
                least=short_text(ends[0]), greatest=short_text(ends[1])
            )
        self.setAccessibleDescription(said)
        self.update()

    def sizeHint(self) -> QSize:
        """A strip of moderate height."""
        return QSize(240, 170)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the lines, the least and greatest value, and what the lines are."""
        painter = QPainter(self)
        palette = self.palette()
        ink, along_y = palette.color(QPalette.ColorRole.WindowText), self._second_ink()
        metrics = painter.fontMetrics()
        line = metrics.height()
        painter.fillRect(self.rect(), palette.color(QPalette.ColorRole.Window))
        chart = QRectF(_MARGIN, line + 2, self.width() - 2 * _MARGIN, self.height() - 4 * line - 8)
        profile = self._profile
        ends = None if profile is None else _range_of(profile)
        if profile is not None and ends is not None:
            painter.fillRect(chart, palette.color(QPalette.ColorRole.Base))
            painter.setPen(ink)
            painter.drawText(QPointF(_MARGIN, line - metrics.descent()), short_text(ends[1]))
            painter.drawText(QPointF(_MARGIN, chart.bottom() + line - metrics.descent() + 2), short_text(ends[0]))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for values, color, style in (
                (profile.across_center, ink, Qt.PenStyle.DotLine),
                (profile.down_center, along_y, Qt.PenStyle.DotLine),
                (profile.across, ink, Qt.PenStyle.SolidLine),
                (profile.down, along_y, Qt.PenStyle.SolidLine),
            ):
                painter.setPen(QPen(color, 1.5 if style is Qt.PenStyle.SolidLine else 1.0, style))
                for points in _lines(values, chart, ends):
                    painter.drawPolyline(points)
            legend = chart.bottom() + 2 * line + 4
            for color, text in (
                (ink, tr("along x: mean of rows, dotted: center row")),
                (along_y, tr("along y: mean of columns, dotted: center")),
            ):
                painter.setPen(color)
                painter.drawText(QPointF(_MARGIN, legend - metrics.descent()), _squeezed(painter, text, chart.width()))
                legend += line
        painter.end()

    def _second_ink(self) -> QColor:
        """A color that can be read on the background and told from the ink."""
        dark = self.palette().color(QPalette.ColorRole.Window).lightness() < 128
        return QColor(255, 180, 90) if dark else QColor(150, 60, 0)


def _squeezed(painter: QPainter, text: str, room: float) -> str:
    """The text, for which the font is made narrower where the room asks for it."""
    font = painter.font()
    font.setStretch(100)
    painter.setFont(font)
    needed = painter.fontMetrics().horizontalAdvance(text)
    if needed > room > 0:
        font.setStretch(max(60, int(100 * room / needed)))
        painter.setFont(font)
    return text


def _between(palette: QPalette, share: float) -> QColor:
    """A color between the background of charts (0) and the ink (1)."""
    ground, ink = palette.color(QPalette.ColorRole.Base), palette.color(QPalette.ColorRole.Text)
    mixed = [
        round(low + share * (high - low))
        for low, high in zip(
            (ground.red(), ground.green(), ground.blue()), (ink.red(), ink.green(), ink.blue()), strict=True
        )
    ]
    return QColor(*mixed)


def _ends(histogram: Histogram) -> tuple[float, float]:
    """The values at the left and at the right of the chart."""
    return histogram.least, max(histogram.greatest, histogram.least + histogram.width)


def _range_of(profile: Profile) -> tuple[float, float] | None:
    """The values at the bottom and the top of the chart; ``None`` where there is none.

    A border of the sensor, single stars and hot pixels must not flatten the rest: they are drawn at the edges.
    """
    values = np.concatenate([profile.across, profile.down, profile.across_center, profile.down_center])
    values = values[np.isfinite(values)]
    if not values.size:
        return None
    low, high = (float(value) for value in np.percentile(values, (1, 99)))
    room = 0.1 * (high - low)
    return max(low - room, float(values.min())), min(high + room, float(values.max()))


def _lines(values: Float64Array, chart: QRectF, ends: tuple[float, float]) -> list[QPolygonF]:
    """The curve in pieces, broken where there is no value."""
    low, high = ends
    count = values.size
    places = chart.left() + (np.arange(count) + 0.5) / count * chart.width()
    shares = np.full(count, 0.5) if high <= low else np.clip((values - low) / (high - low), 0.0, 1.0)
    heights = chart.bottom() - 2 - shares * (chart.height() - 4)
    pieces: list[QPolygonF] = []
    found: list[QPointF] = []
    for place, height, value in zip(places.tolist(), heights.tolist(), values.tolist(), strict=True):
        if math.isfinite(value):
            found.append(QPointF(place, height))
        elif found:
            pieces.append(QPolygonF(found))
            found = []
    return [*pieces, QPolygonF(found)] if found else pieces
