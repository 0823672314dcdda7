"""A thread of its own that opens pictures, so that the window never waits for a disk."""

from __future__ import annotations

import dataclasses
import os
import threading

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal, Slot

from evenfield.errors import EvenfieldError
from evenfield.gui.pyramid import WHOLE, Picture, PictureCache, StoppedError
from evenfield.gui.words import tr
from evenfield.model.frame import FrameInfo
from evenfield.model.literal import literal
from evenfield.read import reason_of

_PATIENCE_S = 0.25


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    path: str
    layer: str
    info: FrameInfo | None


class PictureReader(QObject):
    """Opens pictures one after the other in a daemon thread, and keeps the last ones in memory.

    Parameters
    ----------
    parent : QObject, optional
    cache : PictureCache, optional
        Where pictures are kept; one of the default size otherwise.

    Notes
    -----
    ``ready(Picture)`` and ``failed(path, message)`` are emitted in the thread that this object lives in, the main one.
    Paths are absolute; in ``failed`` they are `sendable`, and the message is `literal`.
    """

    ready = Signal(object)
    failed = Signal(str, str)
    _opened = Signal(object)
    _refused = Signal(object)

    def __init__(self, parent: QObject | None = None, *, cache: PictureCache | None = None) -> None:
        super().__init__(parent)
        self.cache = PictureCache() if cache is None else cache
        self._waiting: dict[object, _Request] = {}
        self._condition = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._opened.connect(self._pass_on_picture, Qt.ConnectionType.QueuedConnection)
        self._refused.connect(self._pass_on_failure, Qt.ConnectionType.QueuedConnection)
        app = QCoreApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self.stop)

    def show(self, path: str, *, layer: str = WHOLE, asker: object = None, info: FrameInfo | None = None) -> None:
        """Ask for a picture with a layer prepared; ``info`` is what is known of the frame beyond its header.

        A request of the same asker that was not begun yet is given up.
        """
        with self._condition:
            if self._stopping:
                return
            self._waiting.pop(asker, None)
            self._waiting[asker] = _Request(path=os.path.abspath(path), layer=layer, info=info)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="pictures", daemon=True)
                self._thread.start()
            self._condition.notify()

    def forget(self, asker: object = None) -> None:
        """Give up the request of an asker, if it was not begun yet."""
        with self._condition:
            self._waiting.pop(asker, None)

    @Slot()
    def stop(self) -> None:
        """End the thread, and emit nothing any more.

        It ends between two bands of a file; what cannot be interrupted (LibRaw) goes on unseen and dies with the
        process. This waits for a quarter of a second at most.
        """
        with self._condition:
            self._stopping = True
            self._waiting.clear()
            self._condition.notify()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_PATIENCE_S)

    def is_running(self) -> bool:
        """Whether the thread is there."""
        return self._thread is not None and self._thread.is_alive()

    def _stopped(self) -> bool:
        return self._stopping

    def _work(self) -> None:
        while True:
            with self._condition:
                while not self._waiting and not self._stopping:
                    self._condition.wait()
                if self._stopping:
                    return
                request = self._waiting.pop(next(iter(self._waiting)))
            try:
                picture = self.cache.open(request.path, key=request.layer, info=request.info, stopped=self._stopped)
            except StoppedError:
                return
            except EvenfieldError as error:
                reason = reason_of(error, request.path)
                self._tell_failure(request.path, f"{reason}. {error.mend}".strip())
            except (OSError, ValueError) as error:
                self._tell_failure(request.path, str(error))
            except MemoryError:
                self._tell_failure(request.path, tr("there is not enough memory for it."))
            except BaseException as error:
                # A mistake of the program: it is told and seen, and the next request gets a new thread.
                self._tell_failure(request.path, f"{type(error).__name__}: {error}")
                raise
            else:
                if not self._stopping:
                    self._opened.emit(picture)

    def _tell_failure(self, path: str, message: str) -> None:
        if not self._stopping:
            self._refused.emit((sendable(path), literal(message)))

    @Slot(object)
    def _pass_on_picture(self, picture: Picture) -> None:
        if not self._stopping:
            self.ready.emit(picture)

    @Slot(object)
    def _pass_on_failure(self, told: tuple[str, str]) -> None:
        if not self._stopping:
            self.failed.emit(*told)


def sendable(path: str) -> str:
    """A path as it comes through a Qt signal: Qt's texts take no halves of characters, as names beyond UTF-8 have."""
    return path.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
