"""Read and describe: folders to frames, headers only."""

from __future__ import annotations

import glob
import math
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from evenfield.describe.description import describe_frame
from evenfield.describe.overrides import Override, load_overrides, parse_override
from evenfield.errors import DocumentError, ReadError, UsageError
from evenfield.model.catalogue import finding
from evenfield.model.findings import Finding
from evenfield.model.frame import FrameInfo, FrameKind
from evenfield.model.settings import Settings
from evenfield.model.survey import Copy, LevelMeasurement, Survey, Unreadable
from evenfield.model.wording import name_files, plural
from evenfield.read import RememberedFrames, list_files, read_header, reason_of

if TYPE_CHECKING:
    from evenfield.model.pixels import PixelSource, Tile

OVERRIDES_FILE = "evenfield.toml"
"""The small file beside the frames that corrects their headers."""

SAMPLE_BYTES = 65536
"""Bytes from the middle of two files that are compared before their whole content is."""

TELL_EVERY_S = 0.05
"""Progress is told at most so often."""

SurveyProgress: TypeAlias = Callable[[int, int, Sequence[FrameInfo]], None]
"""Told of (files done, files in all, the frames found since the last time). Whatever it raises ends the survey."""


def survey_folders(
    paths: Sequence[str | os.PathLike[str]] | str | os.PathLike[str],
    *,
    calibration: Sequence[str | os.PathLike[str]] = (),
    settings: Settings | None = None,
    skip: Sequence[str | os.PathLike[str]] = (),
    levels: bool = False,
    progress: SurveyProgress | None = None,
) -> Survey:
    """Find the frames in folders and describe them from their headers.

    Parameters
    ----------
    paths : path-like, or sequence of path-like
        Files and folders to search.
    calibration : sequence of path-like
        Further files and folders, for bias, darks and dark flats only.
    settings : Settings, optional
        Recursion, corrections to headers, and the files to calibrate with.
    skip : sequence of path-like
        Folders not to search: the output folder, and where inputs are moved to.
    levels : bool
        Read the pixels too, and measure the mean level of each frame.
    progress : callable, optional
        A `SurveyProgress`, called now and then; to stop the survey it raises `Cancelled`.

    Returns
    -------
    Survey
        Unreadable files are listed in it with their reason; a file that is reached twice counts once.

    Raises
    ------
    UsageError
        If an override cannot be understood, or --ignore-type is asked for with a folder.
    """
    settings = Settings() if settings is None else settings
    select = settings.select
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    given = [os.path.expanduser(os.fspath(path)) for path in paths]
    named, folders = _named(given)
    if select.ignore_type and folders:
        raise UsageError(
            "--ignore-type takes every file named as a flat, so it goes with files, not with folders.",
            mend="Name the files, or correct the headers: --set '*:kind=flat'.",
        )
    first = list_files(paths, recursive=select.recursive, skip=skip)
    more = list_files([*calibration, *settings.calibration.files], recursive=select.calibration_recursive, skip=skip)
    # A file that is reached in two ways counts once, also where one of them is a link.
    main = {os.path.realpath(path) for path in first.files} if more.files else set()
    extra = tuple(path for path in more.files if os.path.realpath(path) not in main)
    root = _root(given)
    remembered = RememberedFrames(root)
    tops = [*given, *(os.fspath(path) for path in calibration), *settings.calibration.files]
    reader = _Reader(select.overrides, tops=tops, remembered=remembered)
    explicit = {os.path.realpath(path) for path in more.files}
    moved = {path for path in first.files if path not in named and _was_moved(path, settings.output.move_inputs)}
    searched = [path for path in (*first.files, *extra) if path not in moved]
    tell = _Teller(progress, reader.frames, total=len(searched))
    for done, path in enumerate(searched):
        tell(done)
        reader.add(path, keep_product=bool(explicit) and os.path.realpath(path) in explicit)
    for path in _in_folders_of_masters(given, reader) if reader.frames else ():
        reader.left_out.discard(path)
        reader.add(path, keep_product=True)
    tell(len(searched), last=True)
    problems = [Unreadable(path=p.path, code=p.code, reason=p.reason, mend=p.mend) for p in first.problems]
    problems += [Unreadable(path=p.path, code=p.code, reason=p.reason, mend=p.mend) for p in more.problems]
    frames, failed = _with_domains(reader.frames, remembered)
    remembered.save()
    return Survey(
        root=root,
        frames=frames,
        calibration=tuple(path for path in extra if path not in reader.left_out),
        named=named,
        unreadable=tuple(_unique([*problems, *reader.unreadable, *failed])),
        copies=tuple(_copies(frames)),
        levels=tuple(measure_levels(frames)) if levels else (),
        products_skipped=first.skipped + more.skipped + len(moved) + len(reader.left_out),
        ignored=first.ignored + more.ignored,
        findings=(*reader.findings, *reader.told(), *reader.unused()),
    )


def _in_folders_of_masters(given: Sequence[str], reader: _Reader) -> list[str]:
    """Evenfield's own masters in folders that hold nothing else: who names such a folder wants them used."""
    found = []
    for folder in (os.path.abspath(path) for path in given if os.path.isdir(path)):
        inside = [path for path in reader.left_out if _lies_in(path, folder)]
        if inside and not any(_lies_in(frame.path, folder) for frame in reader.frames):
            found += [path for path in inside if path in reader.masters]
    return sorted(set(found))


def _was_moved(path: str, template: str | None) -> bool:
    """Whether a file lies in a folder that ``--move-inputs`` fills, whatever its placeholders stood for."""
    if template is None:
        return False
    wanted = os.path.expanduser(template).replace(os.sep, "/").strip("/")
    pattern = re.sub(r"\\\{[^{}]*\\\}", "[^/]+", re.escape(wanted))
    folder = os.path.dirname(path).replace(os.sep, "/") + "/"
    return re.search(f"/{pattern}/", folder) is not None


class _Teller:
    """Tells progress, but not too often."""

    def __init__(self, progress: SurveyProgress | None, frames: Sequence[FrameInfo], *, total: int) -> None:
        self._progress, self._frames, self._total = progress, frames, total
        self._told, self._told_s = 0, -math.inf

    def __call__(self, done: int, *, last: bool = False) -> None:
        if self._progress is None:
            return
        now = time.perf_counter()
        if last or now - self._told_s >= TELL_EVERY_S:
            new = self._frames[self._told :]
            self._told, self._told_s = len(self._frames), now
            self._progress(done, self._total, new)


class _Reader:
    """Headers to frames, with the overrides of the user and of the files beside the frames."""

    def __init__(self, overrides: Sequence[str], *, tops: Sequence[str], remembered: RememberedFrames) -> None:
        self.frames: list[FrameInfo] = []
        self.unreadable: list[Unreadable] = []
        self.left_out: set[str] = set()
        self.masters: set[str] = set()
        self.findings: list[Finding] = []
        self._remembered = remembered
        self._user = tuple(override for text in overrides for override in parse_override(text))
        self._beside: dict[str, tuple[Override, ...]] = {}
        # Above the folders that were given, nobody expects a file to be looked for.
        full = [os.path.abspath(os.path.expanduser(top)) for top in tops]
        self._tops = {top if os.path.isdir(top) else os.path.dirname(top) for top in full}
        self._corrected: dict[str, list[str]] = {}

    def add(self, path: str, *, keep_product: bool) -> None:
        beside = self._overrides_beside(os.path.dirname(path))
        overrides = (*beside, *self._user)
        try:
            frame = self._described(path, overrides)
        except ReadError as error:
            reason = reason_of(error, path)
            self.unreadable.append(Unreadable(path=path, code=error.code, reason=reason, mend=error.mend))
            return
        if frame.product_digest is not None and not keep_product:
            self.left_out.add(path)
            if frame.kind is not FrameKind.LIGHT:
                self.masters.add(path)
            return
        self.frames.append(frame)
        fields = {override.field for override in beside if override.fits(path)}
        if fields:
            self._corrected.setdefault(", ".join(sorted(fields)), []).append(path)

    def _described(self, path: str, overrides: Sequence[Override]) -> FrameInfo:
        if any(override.fits(path) for override in overrides):
            return describe_frame(read_header(path), overrides=overrides)
        frame = self._remembered.recall(path)
        if frame is None:
            frame = describe_frame(read_header(path))
            self._remembered.remember(frame)
        return frame

    def told(self) -> list[Finding]:
        """A finding for each set of fields that files beside the frames correct."""
        return [
            finding(
                "overrides_file",
                OVERRIDES_FILE,
                f"{OVERRIDES_FILE} beside the frames sets {fields} of {plural(len(paths), 'file')} "
                f"({name_files(paths)}).",
            )
            for fields, paths in self._corrected.items()
        ]

    def unused(self) -> list[Finding]:
        """A finding where corrections of the user fit no file: most likely a slip in the pattern."""
        paths = [frame.path for frame in self.frames]
        idle = dict.fromkeys(one.pattern for one in self._user if not any(one.fits(path) for path in paths))
        if not idle:
            return []
        return [finding("override_unused", "--set", f"No file fits {' or '.join(idle)} of --set.")]

    def _overrides_beside(self, folder: str) -> tuple[Override, ...]:
        # The files of the folders above count too, up to the one that was given; the nearest one last, so that it wins.
        if folder not in self._beside:
            below = any(folder != top and _lies_in(folder, top) for top in self._tops)
            above = self._overrides_beside(os.path.dirname(folder)) if below else ()
            try:
                own = _load_beside(os.path.join(folder, OVERRIDES_FILE))
            except DocumentError as error:
                # The frames are read without it, and the user is told.
                own = ()
                self.findings.append(
                    finding("bad_overrides_file", OVERRIDES_FILE, error.message, mend=error.mend or None)
                )
            self._beside[folder] = (*above, *own)
        return self._beside[folder]


def _load_beside(path: str) -> tuple[Override, ...]:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"{path} cannot be read: {error}.") from None
    return load_overrides(text, origin=path)


def _unique(files: Iterable[Unreadable]) -> list[Unreadable]:
    found: dict[str, Unreadable] = {}
    for one in files:
        found.setdefault(one.path, one)
    return list(found.values())


def _lies_in(folder: str, top: str) -> bool:
    return folder == top or folder.startswith(top.rstrip(os.sep) + os.sep)


def _named(paths: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """The files that were named one by one, with those that a pattern means which the shell left; and the folders."""
    files: list[str] = []
    folders: list[str] = []
    for path in paths:
        pattern = glob.has_magic(path) and not os.path.lexists(path)
        for one in glob.glob(path, recursive=True) if pattern else [path]:
            if os.path.isdir(one):
                folders.append(one)
            elif os.path.exists(one):
                files.append(os.path.abspath(one))
    return tuple(dict.fromkeys(files)), folders


def _root(paths: Sequence[str]) -> str:
    folders = []
    for path in paths:
        full = os.path.abspath(path)
        while glob.has_magic(full) and not os.path.lexists(full):
            full = os.path.dirname(full)
        folders.append(full if os.path.isdir(full) else os.path.dirname(full))
    if not folders:
        return os.getcwd()
    try:
        return os.path.commonpath(folders)
    except ValueError:  # several drives
        return folders[0]


def _with_domains(
    frames: Sequence[FrameInfo], remembered: RememberedFrames
) -> tuple[tuple[FrameInfo, ...], list[Unreadable]]:
    """Look at the pixels of float frames whose headers do not tell their number domain: 0..1, or ADU."""
    told: list[FrameInfo] = []
    failed: list[Unreadable] = []
    for frame in frames:
        if frame.setup.number_domain is not None or not frame.sample.startswith("float"):
            told.append(frame)
            continue
        domain = remembered.recall_domain(frame.path)
        if domain is None:
            try:
                domain = _domain(frame)
            except ReadError as error:
                failed.append(Unreadable(path=frame.path, code=error.code, reason=reason_of(error, frame.path)))
                continue
            remembered.remember_domain(frame.path, domain)
        if not domain:
            told.append(frame)
            continue
        setup = msgspec.structs.replace(frame.setup, number_domain=domain)
        known = {**frame.known_from, "number_domain": "pixels"}
        told.append(msgspec.structs.replace(frame, setup=setup, known_from=known))
    return tuple(told), failed


def _domain(frame: FrameInfo) -> str:
    """The number domain that a frame's pixels tell, "" where they leave it open."""
    # A master is looked at as a whole; of a raw frame one band tells enough.
    greatest = _greatest(frame.path, whole=frame.is_master)
    # Between 1 and 16 nobody can tell a faint master in ADU from a stretched one in 0..1.
    return "unit" if 0 < greatest <= 1 else "adu" if greatest > 16 else ""


def _greatest(path: str, *, whole: bool) -> float:
    import numpy as np

    from evenfield.read import open_source

    greatest = 0.0
    source = open_source(path)
    try:
        tiles = _bands_of(source)
        for tile in tiles if whole else tiles[len(tiles) // 2 :][:1]:
            pixels = source.read(tile)
            finite = pixels[np.isfinite(pixels)]
            if finite.size:
                greatest = max(greatest, float(finite.max()))
    finally:
        source.close()
    return greatest


def _copies(frames: Sequence[FrameInfo]) -> list[Copy]:
    """Files with the same bytes; only those of equal size and header are compared, a sample of the content first."""
    alike: dict[tuple[int, str], list[str]] = {}
    for frame in frames:
        alike.setdefault((frame.size_bytes, frame.header_hash), []).append(frame.path)
    found: list[Copy] = []
    for (size, _), paths in alike.items():
        if len(paths) < 2:
            continue
        same: dict[bytes, list[str]] = {}
        for path in paths:
            same.setdefault(_middle(path, size), []).append(path)
        for candidates in same.values():
            if len(candidates) > 1:
                found += _equal_files(candidates)
    return found


def _middle(path: str, size: int) -> bytes:
    try:
        with open(path, "rb") as file:
            file.seek(max(0, size // 2))
            return file.read(SAMPLE_BYTES)
    except OSError:
        return path.encode()


def _equal_files(paths: Sequence[str]) -> list[Copy]:
    import xxhash

    by_hash: dict[str, list[str]] = {}
    for path in paths:
        digest = xxhash.xxh3_128()
        try:
            with open(path, "rb") as file:
                while chunk := file.read(1 << 22):
                    digest.update(chunk)
        except OSError:
            continue
        by_hash.setdefault(digest.hexdigest(), []).append(path)
    found = []
    for same in by_hash.values():
        # The shortest name is the original: a copy is "name (2)" or "name - Copy".
        original, *others = sorted(same, key=lambda path: (len(os.path.basename(path)), len(path), path))
        found += [Copy(path=path, original=original) for path in others]
    return found


def measure_levels(frames: Iterable[FrameInfo]) -> Iterator[LevelMeasurement]:
    """The mean level of one frame after the other, from their pixels; unknown where a frame cannot be read."""
    for frame in frames:
        mean = _level(frame.path)
        full = frame.full_scale_adu
        share = mean / full if mean is not None and full else None
        yield LevelMeasurement(path=frame.path, mean_adu=mean, share=share)


def _level(path: str) -> float | None:
    from evenfield.read import open_source

    try:
        source = open_source(path)
    except ReadError:
        return None
    try:
        return _mean(source)
    except ReadError:
        return None
    finally:
        source.close()


def _mean(source: PixelSource) -> float | None:
    import numpy as np

    total, count = 0.0, 0
    for tile in _bands_of(source):
        pixels = source.read(tile)
        finite = pixels[np.isfinite(pixels)]
        total += float(finite.sum(dtype=np.float64))
        count += int(finite.size)
    return total / count if count else None


def _bands_of(source: PixelSource) -> Sequence[Tile]:
    # Imported late: a survey of headers needs no numpy.
    from evenfield.tiles import BAND_PIXELS, bands

    return bands(source.shape[0], height=max(1, BAND_PIXELS * 4 // source.shape[1]))
