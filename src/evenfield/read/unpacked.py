"""Gzipped files: their header read on the way, or the whole unpacked once to a scratch file."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import tempfile
import zlib
from collections.abc import Iterator
from typing import IO, Final, Self

from evenfield.errors import DamagedFileError, ReadError
from evenfield.read.access import ByteStream, FileBytes
from evenfield.read.hashing import ContentHash
from evenfield.read.refusals import COPY_AGAIN, refusal

_CHUNK: Final = 1 << 20


class _HashedStream(ByteStream):
    """The stored bytes of a file, each shown to the content hash as it passes."""

    def __init__(self, file: FileBytes, content_hash: ContentHash) -> None:
        super().__init__(file)
        self._hash = content_hash

    def _passed(self, at: int, data: memoryview) -> None:
        self._hash.feed(self._file, at, data)


class GzipReader:
    """The unpacked bytes of a gzipped file, read forwards; their number is not known before the end."""

    size: int | None = None

    def __init__(self, file: FileBytes) -> None:
        self._path = file.path
        self._gzip = gzip.GzipFile(fileobj=io.BufferedReader(ByteStream(file), 16384), mode="rb")

    def read(self, at: int, count: int) -> bytes:
        """Up to ``count`` bytes from ``at``, which may not lie before what was read last."""
        with _gzip_errors(self._path):
            self._gzip.seek(at)
            return self._gzip.read(count)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._gzip.close()


def unpack(file: FileBytes, content_hash: ContentHash, *, scratch: str | None = None) -> FileBytes:
    """Unpack a gzipped file into a nameless scratch file, which vanishes when it is closed.

    Parameters
    ----------
    file : FileBytes
        The stored file; its bytes go to ``content_hash`` while they are read.
    content_hash : ContentHash
        The hash of the stored file.
    scratch : str, optional
        The folder of the scratch file; the system's own by default.

    Raises
    ------
    DamagedFileError
        If the packed data are cut short or broken.
    ReadError
        If the scratch folder cannot take the unpacked bytes.
    """
    stream = io.BufferedReader(_HashedStream(file, content_hash), _CHUNK)
    with scratch_file(file.path, scratch=scratch) as out, gzip.GzipFile(fileobj=stream, mode="rb") as packed:
        while True:
            with _gzip_errors(file.path):
                chunk = packed.read(_CHUNK)
            if not chunk:
                break
            out.write(chunk)
        return finished_scratch(out, path=file.path)


@contextlib.contextmanager
def scratch_file(path: str, *, scratch: str | None = None) -> Iterator[IO[bytes]]:
    """A nameless file to be filled; closed, and so removed, if filling it fails."""
    file: IO[bytes] | None = None
    try:
        # Closed by the FileBytes that takes it over; without a name no killed process leaves it behind.
        file = tempfile.TemporaryFile(dir=scratch, prefix="evenfield-")  # noqa: SIM115
        yield file
    except OSError as error:
        if file is not None:
            file.close()
        where = scratch or tempfile.gettempdir()
        reason = f"cannot be unpacked in {where} ({os.strerror(error.errno) if error.errno else error})"
        mend = "Name a scratch folder with more room."
        raise refusal(ReadError, path, reason, mend=mend) from error
    except BaseException:
        if file is not None:
            file.close()
        raise


def finished_scratch(file: IO[bytes], *, path: str) -> FileBytes:
    """A filled scratch file, ready for reading by position."""
    file.flush()
    return FileBytes(file.fileno(), path=path, owner=file)


@contextlib.contextmanager
def _gzip_errors(path: str) -> Iterator[None]:
    try:
        yield
    except EOFError as error:
        reason = "cut short: the gzip data end early"
        raise refusal(DamagedFileError, path, reason, mend=COPY_AGAIN, code="truncated") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise refusal(DamagedFileError, path, f"its gzip data are broken ({error})", mend=COPY_AGAIN) from error
