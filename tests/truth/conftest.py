"""A master flat in plain float64 NumPy, written from the definitions alone, and the comparison with what was made."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from evenfield import Report, Settings, make_plan, run_plan, survey_folders
from evenfield.combine.limits import corrected_limits, least_steps
from evenfield.model.rejections import DEQUANTIZE_BELOW, AutoRejection, Ccd, rejection

F64 = NDArray[np.float64]
BEYOND = 1.0 + 1e-6  # the tie rule: only what exceeds a limit by more than 1e-6 of it is rejected
SATURATED = 60000 / 65535
COLUMNS = 1 << 17  # columns at a time, so that a full frame needs little memory


class Plain:
    """Masters from arrays: every sample in float64, every pass over a column written out."""

    @staticmethod
    def read(path: str | Path) -> F64:
        """The pixels of a FITS file by astropy, which shares no code with evenfield's reader."""
        from astropy.io import fits

        return np.asarray(fits.getdata(path), dtype=np.float64)

    def dark(
        self, paths: Sequence[str | Path], *, reject: str = "winsorized:4,3", method: str = "mean",
        trim: tuple[slice, slice] = (slice(None), slice(None)), overscan: tuple[slice, slice] | None = None,
    ) -> F64:  # fmt: skip
        """A bias, dark or dark flat master, rounded to float32 as its file is."""
        stack = self._open(paths, trim, overscan)[0]
        return combine(stack, method=method, reject=reject, step=1.0).astype(np.float32).astype(np.float64)

    def flat(
        self, paths: Sequence[str | Path], *, subtract: F64 | float | Sequence[F64] = 0.0,
        reject: str = "winsorized:3,3", method: str = "mean", scale: str = "mean", full_scale: float = 65535.0,
        noise: tuple[float, float, float] | None = None,
        trim: tuple[slice, slice] = (slice(None), slice(None)), overscan: tuple[slice, slice] | None = None,
    ) -> F64:  # fmt: skip
        """A master flat: each frame less its dark, made equally bright over unsaturated pixels, combined.

        With ``noise`` (read noise and bias level in ADU, e-/ADU) samples beyond 3 of it are rejected, as `ccd` does.
        """
        stack, saturated = self._open(paths, trim, overscan, full_scale=full_scale)
        own = list(subtract) if isinstance(subtract, list | tuple) else [subtract] * len(paths)
        stack -= np.stack([np.broadcast_to(one, stack.shape[1:]) for one in own])
        average = np.median if scale == "median" else np.mean
        levels = np.array([average(frame[~hot]) for frame, hot in zip(stack, saturated, strict=True)])
        scales = np.ones(len(paths)) if scale == "none" else levels.mean() / levels
        if noise is not None:
            dark = np.stack([np.broadcast_to(one, stack.shape[1:]) for one in own])
            stack = _ccd(stack * scales[:, None, None], scales[:, None, None], dark, noise)
            return np.asarray(np.nanmean(stack, axis=0))
        return combine(stack * scales[:, None, None], method=method, reject=reject, step=float(scales.mean()))

    def _open(
        self, paths: Sequence[str | Path], trim: tuple[slice, slice], overscan: tuple[slice, slice] | None,
        full_scale: float = math.inf,
    ) -> tuple[F64, NDArray[np.bool_]]:  # fmt: skip
        raw = [self.read(path) for path in paths]
        saturated = np.stack([frame[trim] >= SATURATED * full_scale for frame in raw])
        shifts = [0.0 if overscan is None else float(np.median(frame[overscan])) for frame in raw]
        return np.stack([frame[trim] - shift for frame, shift in zip(raw, shifts, strict=True)]), saturated


def _ccd(x: F64, scales: F64, dark: F64, noise: tuple[float, float, float]) -> F64:
    """Samples that are beyond 3 of the noise that the camera has at the level of their median become NaN."""
    read, bias, egain = noise
    made = x.copy()
    low, high = corrected_limits(Ccd(low=3.0, high=3.0), n=x.shape[0])
    while True:
        # Of a column that lost all its samples at once, the median of all of them is taken.
        lost = np.isnan(made).all(axis=0)
        made[:, lost] = np.median(x[:, lost], axis=0)
        m = np.nanmedian(made, axis=0)
        s = scales * np.sqrt(read**2 + np.maximum(m / scales + dark - bias, 0.0) / egain)
        assert s.min() > DEQUANTIZE_BELOW, "what is said here holds where the noise is many steps"
        out = ((m - made > low * s * BEYOND) | (made - m > high * s * BEYOND)) & (np.isfinite(made).sum(axis=0) > 3)
        if not out.any():
            return made
        made[out] = np.nan


def combine(stack: F64, *, method: str, reject: str, step: float) -> F64:
    """One value a pixel from a stack (n_frames, rows, columns), by the definitions of the rejections.

    The limits are corrected ones: from the table that is checked against simulations elsewhere, for all frames.
    """
    n_frames = stack.shape[0]
    columns = stack.reshape(n_frames, -1)
    pieces = [
        _combine(columns[:, start : start + COLUMNS].copy(), method, reject, step)
        for start in range(0, columns.shape[1], COLUMNS)
    ]
    return np.concatenate(pieces).reshape(stack.shape[1:])


def _combine(x: F64, method: str, reject: str, step: float) -> F64:
    name, _, rest = reject.partition(":")
    numbers = [float(part) for part in rest.split(",")] if rest else []
    if name in ("zscore", "sigma", "winsorized"):
        x = np.sort(x, axis=0)
        low, high = corrected_limits(rejection(reject), n=x.shape[0])
        coarse = (_std(x, 1) < DEQUANTIZE_BELOW * step) & (_std(x, 1) > 0)
        spread, least = (
            _dequantized(x, coarse, step),
            [one * step for one in least_steps(rejection(reject), n=x.shape[0])],
        )
        if name == "zscore":
            decided = _zscore(spread, low, least[0])
        else:
            decided = _clipped(spread, low, high, None if name == "sigma" else 0.0, least)
        whole = np.isnan(decided).all(axis=0)
        x[np.isnan(decided)] = np.nan
        if whole.any():
            x[:, whole] = _extremes(np.sort(spread[:, whole], axis=0), 2)
    elif name == "extremes":
        x = _extremes(x, int(*(numbers or [2])))
    elif name == "minmax":
        low, high = (int(number) for number in (numbers or [1, 1]))
        x = np.sort(x, axis=0)[low : x.shape[0] - high]
    elif name != "none":
        raise ValueError(reject)
    return _median(x) if method == "median" else np.nanmean(x, axis=0)


def _median(x: F64) -> F64:
    ordered = np.sort(x, axis=0)  # what is NaN comes last
    n = np.isfinite(x).sum(axis=0)
    middle = [np.take_along_axis(ordered, index[None], axis=0)[0] for index in ((n - 1) // 2, n // 2)]
    return (middle[0] + middle[1]) / 2.0


def _std(x: F64, ddof: int) -> F64:
    found = np.nanstd(x, axis=0, ddof=ddof)
    found[np.nanmax(x, axis=0) == np.nanmin(x, axis=0)] = 0.0  # a rounded mean must not give equal values a scatter
    return found


def _dequantized(x: F64, coarse: NDArray[np.bool_], step: float) -> F64:
    """Sorted columns; where the noise is coarse, each sample moved by up to half a step: a hash of the column."""
    made = x.copy()
    z = np.add.accumulate(x[:, coarse], axis=0)[-1].view(np.uint64)
    with np.errstate(over="ignore"):
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        seeds = (z ^ (z >> np.uint64(31))).astype(np.uint32)
        for row in x[1:, coarse]:
            seeds = (seeds ^ ((row - x[0, coarse]) * (256.0 / step)).astype(np.uint32)) * np.uint32(0x85EBCA6B)
            seeds ^= seeds >> np.uint32(13)
        for rank in range(x.shape[0]):
            w = seeds + np.uint32((rank // 4 + 1) * 0x9E3779B9 & 0xFFFFFFFF)
            w = (w ^ (w >> np.uint32(16))) * np.uint32(0x7FEB352D)
            w = (w ^ (w >> np.uint32(15))) * np.uint32(0x846CA68B)
            byte = ((w ^ (w >> np.uint32(16))) >> np.uint32(8 * (rank % 4))) & np.uint32(255)
            made[rank, coarse] += (byte - 127.5) * step / 256
    return np.sort(made, axis=0)


def _zscore(x: F64, limit: float, least: float) -> F64:
    mean, std = x.mean(axis=0), _std(x, 0)
    out = (np.abs(x - mean) > np.maximum(limit * std, least) * BEYOND) & (std > 0)
    return np.where(out, np.nan, x)


def _extremes(x: F64, times: int) -> F64:
    made = x.copy()
    todo = np.ones(x.shape[1], bool)
    for attempt in range(times, 0, -1):
        tried = x.copy()
        for _ in range(attempt):
            with np.errstate(invalid="ignore"):
                least = np.where(np.isfinite(tried), tried, np.inf).min(axis=0)
                greatest = np.where(np.isfinite(tried), tried, -np.inf).max(axis=0)
            tried[(tried == least) | (tried == greatest)] = np.nan
        fine = todo & np.isfinite(tried).any(axis=0)
        made[:, fine] = tried[:, fine]
        todo &= ~fine
    return made


def _clipped(x: F64, low: float, high: float, floor: float | None, least: list[float]) -> F64:
    made = x.copy()
    index = np.arange(x.shape[1])
    while index.size:
        index = index[np.isfinite(made[:, index]).sum(axis=0) > 3]
        part = made[:, index]
        if not index.size:
            break
        m = _median(part)
        s = _std(part, 1) if floor is None else _huber(part, m, floor)
        below, above = np.maximum(low * s, least[0]) * BEYOND, np.maximum(high * s, least[1]) * BEYOND
        out = ((m - part > below) | (part - m > above)) & (s > 0)
        part[out] = np.nan
        made[:, index] = part
        index = index[out.any(axis=0)]
    return made


def _huber(x: F64, m: F64, floor: float) -> F64:
    found = np.maximum(_std(x, 1), floor)
    going = np.arange(found.size)
    t, center, s = x, m, found
    for _ in range(50):
        t = np.clip(t, center - 1.5 * s, center + 1.5 * s)
        new = np.maximum(1.134 * _std(t, 1), floor)
        moves = np.abs(new - s) > 5e-4 * s
        found[going] = new
        # Columns that have settled are done with; the others go on.
        going, t, center, s = going[moves], t[:, moves], center[moves], new[moves]
        if not going.size:
            break
    return found


@pytest.fixture(scope="session")
def plain() -> Plain:
    """The plain computation."""
    return Plain()


@pytest.fixture
def same_pixels(record_property: Callable[[str, object], None]) -> Callable[[str | Path, F64], int]:
    """Compare a file with the plain computation: 0.01 ADU, but for 1 pixel in 100,000; says how many differ."""

    def compare(path: str | Path, wanted: F64) -> int:
        got = Plain.read(path)
        assert got.shape == wanted.shape
        assert np.array_equal(np.isnan(got), np.isnan(wanted))
        differ = int(np.count_nonzero(np.abs(got - wanted) > 0.01))
        record_property("pixels_that_differ", differ)
        assert differ <= wanted.size // 100_000, f"{differ} of {wanted.size} pixels differ by more than 0.01 ADU"
        return differ

    return compare


def _winsorized(settings: Settings) -> Settings:
    combine = settings.combine
    if isinstance(combine.rejection, AutoRejection):
        dark = combine.dark_rejection or rejection("winsorized:4,3")
        combine = msgspec.structs.replace(combine, rejection=rejection("winsorized:3,3"), dark_rejection=dark)
    return msgspec.structs.replace(settings, combine=combine)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Report]:
    """Survey, plan and run through the public functions; the masters lie in ``masters``.

    Unless ``auto`` is asked for, a rejection that is not chosen is winsorized, 4/3 for dark frames and 3/3 for flats.
    """

    def run(
        *paths: str | Path, library: Sequence[str | Path] = (), out: str = "masters", auto: bool = False, **parts: Any
    ) -> Report:
        settings = Settings(**parts)
        if not auto:
            settings = _winsorized(settings)
        output = str(tmp_path / out)
        survey = survey_folders(paths, calibration=library, settings=settings, skip=[output])
        report = run_plan(make_plan(survey, output=output, settings=settings))
        assert report.exit_code == 0, [result.why for result in report.results]
        return report

    return run
