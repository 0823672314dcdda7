"""What must hold of every window that is shown: each check gives the faults that it finds, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QAccessible, QFontMetrics, QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QMenuBar,
    QPushButton,
    QScrollBar,
    QSizeGrip,
    QSplitterHandle,
    QStyle,
    QStyleOptionButton,
    QStyleOptionComboBox,
    QTabBar,
    QTabWidget,
    QToolButton,
    QWidget,
)

LEAST_CONTRAST = 4.5

MARKS = re.compile("[\u200b&]")


def told(widget: QWidget) -> str:
    """How a widget is called in a fault."""
    text = getattr(widget, "text", None)
    words = str(text())[:50] if callable(text) else ""
    return f"{type(widget).__name__} {widget.accessibleName()!r} {words!r} at {widget.geometry().getRect()}"


def shown(top: QWidget) -> list[QWidget]:
    """The visible widgets of a window, itself included."""
    return [one for one in [top, *top.findChildren(QWidget)] if one.isVisibleTo(top) and one.isVisible()]


def own_parts(widget: QWidget) -> bool:
    """Whether a widget is made by Qt as a part of another one."""
    parent = widget.parentWidget()
    inner = isinstance(parent, QAbstractSpinBox | QComboBox | QTabBar | QLineEdit | QMenuBar)
    drawn = isinstance(widget, QScrollBar | QSplitterHandle | QSizeGrip)
    return inner or drawn or widget.objectName().startswith("qt_")


def interactive(top: QWidget) -> list[QWidget]:
    """The visible widgets that take the keyboard's focus."""
    return [
        one
        for one in shown(top)
        if one.focusPolicy() & Qt.FocusPolicy.TabFocus and not own_parts(one) and one.isEnabled()
    ]


def spoken(widget: QWidget) -> str:
    """The name that a screen reader says."""
    if isinstance(widget, QComboBox):
        # On Linux Qt tells what is chosen instead.
        return widget.accessibleName()
    interface = QAccessible.queryAccessibleInterface(widget)
    return interface.text(QAccessible.Text.Name) if interface is not None else ""


def page_buttons(top: QWidget) -> list[QAbstractButton]:
    """The buttons that are shown."""
    return [one for one in shown(top) if isinstance(one, QAbstractButton) and not own_parts(one)]


# Texts that do not fit


def cut(top: QWidget) -> list[str]:
    """The labels and buttons whose text needs more room than they have, or which stick out of what holds them."""
    found = []
    for widget in shown(top):
        if own_parts(widget) and not isinstance(widget, QTabBar):
            continue
        need, has = _need(widget)
        if need.width() > has.width() or need.height() > has.height():
            found.append(f"{told(widget)} needs {need.toTuple()}, has {has.toTuple()}")
        parent = widget.parentWidget()
        if widget is not top and not widget.isWindow() and parent is not None and not _scrolls(parent):
            inside = parent.rect().adjusted(-1, -1, 1, 1).contains(widget.geometry())
            if not inside and not widget.geometry().isEmpty():
                found.append(f"{told(widget)} sticks out of {told(parent)}")
    return found


def _scrolls(parent: QWidget) -> bool:
    above = parent.parentWidget()
    return isinstance(above, QAbstractScrollArea) or isinstance(parent, QTabWidget | QAbstractScrollArea)


def _need(widget: QWidget) -> tuple[QSize, QSize]:
    """The size that a widget's text needs, and the size that it has for it."""
    nothing = QSize(0, 0), QSize(0, 0)
    metrics = widget.fontMetrics()
    if isinstance(widget, QLabel):
        return _need_of_label(widget, metrics)
    if isinstance(widget, QCheckBox):
        option = QStyleOptionButton()
        widget.initStyleOption(option)
        room = widget.style().subElementRect(QStyle.SubElement.SE_CheckBoxContents, option, widget)
        return _line(metrics, widget.text()), room.size()
    if isinstance(widget, QPushButton | QToolButton):
        # What the style takes for the frame.
        return _line(metrics, widget.text()), widget.size() - QSize(8, 4)
    if isinstance(widget, QComboBox):
        choice = QStyleOptionComboBox()
        widget.initStyleOption(choice)
        control, part = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        room = widget.style().subControlRect(control, choice, part, widget)
        text = widget.currentText()
        return nothing if widget.toolTip() == text else (_line(metrics, text), room.size())
    if isinstance(widget, QLineEdit) and not widget.text() and not widget.toolTip():
        return _line(metrics, widget.placeholderText()), widget.size() - QSize(8, 2)
    if isinstance(widget, QAbstractSpinBox):
        return _line(metrics, widget.text()), widget.size() - QSize(22, 2)
    if isinstance(widget, QTabBar):
        texts = [_line(metrics, widget.tabText(place)).width() for place in range(widget.count())]
        last = widget.tabRect(widget.count() - 1)
        return QSize(sum(texts) + 12 * len(texts), 1), QSize(min(last.right(), widget.width()), 1)
    return nothing


def _line(metrics: QFontMetrics, text: str) -> QSize:
    return metrics.size(Qt.TextFlag.TextShowMnemonic, text)


def _need_of_label(label: QLabel, metrics: QFontMetrics) -> tuple[QSize, QSize]:
    room = label.contentsRect().size()
    # What is shown, with the marks where words may be broken.
    text = QLabel.text(label)
    if not text:
        return QSize(0, 0), room
    if label.textFormat() is Qt.TextFormat.RichText:
        return QSize(0, label.heightForWidth(label.width())), label.size()
    flags = int(Qt.TextFlag.TextWordWrap) if label.wordWrap() else 0
    need = metrics.boundingRect(QRect(0, 0, room.width(), 1 << 20), flags, text).size()
    return need, room + QSize(1, 1)


# Things upon each other


def overlaps(top: QWidget) -> list[str]:
    """Pairs of visible widgets of one parent that lie upon each other."""
    found = []
    for parent in shown(top):
        if isinstance(parent, QAbstractScrollArea | QTabWidget | QComboBox | QAbstractSpinBox | QLineEdit | QTabBar):
            continue
        if parent.objectName().startswith("qt_scrollarea") or isinstance(parent.parentWidget(), QAbstractScrollArea):
            continue
        children = [
            one
            for one in parent.children()
            if isinstance(one, QWidget) and one.isVisible() and not one.isWindow() and not own_parts(one)
        ]
        found += [
            f"{told(one)} lies upon {told(other)}"
            for place, one in enumerate(children)
            for other in children[:place]
            if one.geometry().intersects(other.geometry())
        ]
    return found


def hidden_parts(page: QWidget) -> list[str]:
    """The widgets of a page, those within scrolled areas apart, of which not all is seen."""
    found = []
    for widget in shown(page):
        above = widget.parentWidget()
        scrolled = False
        while above is not None and above is not page:
            scrolled = scrolled or isinstance(above, QAbstractScrollArea)
            above = above.parentWidget()
        if scrolled or widget is page or widget.size().isEmpty():
            continue
        place = QRect(widget.mapTo(page, QPoint(0, 0)), widget.size())
        if not page.rect().contains(place):
            found.append(f"{told(widget)} is not all within its page")
    return found


# Contrast


def luminance(color: NDArray[np.float64]) -> NDArray[np.float64]:
    """The relative luminance of sRGB colors in 0..1, as WCAG 2 defines it."""
    linear = np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The contrast of two colors, 1 to 21."""
    bright, dark = sorted((float(luminance(one)), float(luminance(other))), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def pixels_of(image: QImage) -> NDArray[np.uint8]:
    """The colors of an image: rows, columns, and red, green, blue."""
    plain = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), plain.bytesPerLine())
    return rows[:, : plain.width() * 3].reshape(plain.height(), plain.width(), 3).copy()


def measured_contrast(pixels: NDArray[np.uint8]) -> float:
    """The contrast of the color that most pixels have and that which stands out most."""
    wide = pixels.reshape(-1, 3).astype(np.uint32)
    packed, counts = np.unique(wide[:, 0] << 16 | wide[:, 1] << 8 | wide[:, 2], return_counts=True)
    colors = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=1) / 255
    bright = luminance(colors)
    back = bright[counts.argmax()]
    return float(max((bright.max() + 0.05) / (back + 0.05), (back + 0.05) / (bright.min() + 0.05)))


def pale(top: QWidget) -> list[str]:
    """The texts whose pixels stand out too little from what is behind them."""
    image = top.grab().toImage()
    pixels = pixels_of(image)
    scale = image.devicePixelRatio()
    found = []
    for widget in texts(top):
        room = widget.contentsRect() if isinstance(widget, QLabel) else widget.rect().adjusted(5, 4, -5, -4)
        place = QRect(widget.mapTo(top, room.topLeft()), room.size()) & _seen(widget, top)
        # Of what is hardly seen nothing can be said.
        if place.width() < 12 or place.height() < 8:
            continue
        left, upper = round(place.left() * scale), round(place.top() * scale)
        right, lower = round((place.right() + 1) * scale), round((place.bottom() + 1) * scale)
        value = measured_contrast(pixels[upper:lower, left:right])
        if value < LEAST_CONTRAST:
            found.append(f"{told(widget)} has a contrast of {value:.2f}")
    return found


def _seen(widget: QWidget, top: QWidget) -> QRect:
    """The part of a window in which a widget can be seen: what holds it may scroll."""
    place = top.rect()
    above = widget.parentWidget()
    while above is not None and above is not top:
        place &= QRect(above.mapTo(top, QPoint(0, 0)), above.size())
        above = above.parentWidget()
    return place


def texts(top: QWidget) -> Iterator[QWidget]:
    """The labels, buttons and fields that show a text."""
    for widget in shown(top):
        if isinstance(widget, QLabel | QAbstractButton | QLineEdit) and not widget.objectName().startswith("qt_"):
            text = widget.text() or (widget.placeholderText() if isinstance(widget, QLineEdit) else "")
            if MARKS.sub("", text).strip():
                yield widget
