"""Row bands from one memory budget. Pure; one formula."""

from __future__ import annotations

import dataclasses
from typing import Final

from evenfield.errors import MemoryBudgetError
from evenfield.model.pixels import Tile

BAND_PIXELS: Final = 262144
"""Pixels a band aims at: large enough that a read costs little beside its bytes, small enough to keep memory low."""

BANDS_A_THREAD: Final = 16
"""So many bands a thread at least, where frames are large enough: else threads wait for the last of them."""

LEAST_PIXELS: Final = 65536
"""Pixels that no band falls short of for the sake of more bands."""

INTERPRETER_BYTES: Final = 260 << 20
"""What Python, numpy, numba and astropy hold before any frame is read (measured: docs/memory.md)."""


LIGHT_BYTES: Final = 22
"""What a thread holds of each pixel of a light at most: its raw sample, value, noise and flags, and two more copies
while its pedestal is found, or while it is written in another range; with what is computed of a few rows at a time."""


SKY_BYTES: Final = 40
"""What a thread holds of each pixel of a light while its sky is reduced: values, masks and sums, several times over."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The size of a job: frames of a shape, the bytes of one raw sample, threads, masters subtracted, maps kept."""

    n_frames: int
    shape: tuple[int, int]
    sample_bytes: int
    threads: int
    n_masters: int = 0
    maps: bool = False


def bytes_per_pixel(work: Work) -> int:
    """What one pixel of a band costs in one thread.

    Raw samples of all frames, the masters' values (float32), and value, noise, count and rejected (16 bytes). What the
    kernels decode, a few hundred pixels at a time, is small beside it.
    """
    return work.n_frames * work.sample_bytes + 4 * work.n_masters + 16


def resident_bytes(work: Work) -> int:
    """What is held besides the bands: the interpreter, the master being made (4 bytes a pixel), and where it is brought
    to a level a second copy (4) with the flags of the pixels that take no part in it (4). Maps take 10 bytes a pixel.
    """
    rows, columns = work.shape
    return INTERPRETER_BYTES + rows * columns * (22 if work.maps else 12)


def band_rows(work: Work, *, budget_bytes: int) -> int:
    """How many rows a band has.

    ``rows = min(aim, (budget - resident) / (threads * bytes_per_pixel)) / columns``, at least 1 and at most the frame's
    rows, with ``aim = min(BAND_PIXELS, max(LEAST_PIXELS, rows * columns / (BANDS_A_THREAD * threads)))``.

    Raises
    ------
    MemoryBudgetError
        If not even one row of all frames fits into the budget.
    """
    rows, columns = work.shape
    left = budget_bytes - resident_bytes(work)
    pixels = left // (work.threads * bytes_per_pixel(work))
    if pixels < columns:
        needed = resident_bytes(work) + work.threads * bytes_per_pixel(work) * columns
        raise MemoryBudgetError(
            f"The memory budget of {budget_bytes / 2**20:.0f} MiB is too small for {work.n_frames} frames of "
            f"{columns} x {rows}.",
            mend=f"Give at least --memory {needed / 2**20 + 1:.0f}MiB, or fewer --threads.",
        )
    aim = min(BAND_PIXELS, max(LEAST_PIXELS, rows * columns // (BANDS_A_THREAD * work.threads)))
    return max(1, min(rows, min(aim, pixels) // columns))


def bands(rows: int, *, height: int) -> tuple[Tile, ...]:
    """The bands of an image of ``rows`` rows, each ``height`` rows but for the last."""
    return tuple(Tile(start=start, stop=min(start + height, rows)) for start in range(0, rows, height))


def peak_bytes(work: Work, *, budget_bytes: int) -> int:
    """The peak that a step is expected to reach within a budget."""
    height = band_rows(work, budget_bytes=budget_bytes)
    return resident_bytes(work) + work.threads * bytes_per_pixel(work) * height * work.shape[1]
