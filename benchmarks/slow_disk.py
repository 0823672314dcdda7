"""Run evenfield as if its frames lay on a disk of a known speed, and none of them in the page cache.

Usage: python benchmarks/slow_disk.py MB_PER_SECOND FOLDER ARGUMENTS...

Each read of bytes of FOLDER's files that were not read before waits for its turn at the disk. The disk reads nothing
ahead, as if the system were no help: what overlaps here is what evenfield overlaps itself.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

BLOCK = 1 << 16


class Disk:
    """One disk, that serves one read at a time."""

    def __init__(self, bytes_per_second: float, folder: str) -> None:
        self._rate = bytes_per_second
        self._slow = {entry.stat().st_ino for entry in os.scandir(folder)}
        self._seen: set[tuple[int, int]] = set()
        self._lock = threading.Lock()
        self._free_at = 0.0

    def wait(self, descriptor: int, at: int, count: int) -> None:
        """Wait until the disk would have given these bytes."""
        inode = os.fstat(descriptor).st_ino
        if inode not in self._slow or not count:
            return
        blocks = {(inode, block) for block in range(at // BLOCK, (at + count - 1) // BLOCK + 1)}
        with self._lock:
            new = len(blocks - self._seen)
            if not new:
                return
            self._seen |= blocks
            self._free_at = max(self._free_at, time.perf_counter()) + new * BLOCK / self._rate
            ready_at = self._free_at
        time.sleep(max(0.0, ready_at - time.perf_counter()))


def slowed(read: Callable[..., Any], disk: Disk, count: Callable[[Any], int]) -> Callable[..., Any]:
    """A reading function of `os` that waits for the disk first."""

    def wrapped(descriptor: int, what: Any, at: int, *more: Any) -> Any:
        disk.wait(descriptor, at, count(what))
        return read(descriptor, what, at, *more)

    return wrapped


def main() -> int:
    """Run."""
    disk = Disk(float(sys.argv[1]) * 1e6, sys.argv[2])
    os.pread = slowed(os.pread, disk, int)
    os.preadv = slowed(os.preadv, disk, lambda buffers: sum(len(buffer) for buffer in buffers))
    from evenfield.cli.app import run_cli

    return run_cli(sys.argv[3:])


if __name__ == "__main__":
    sys.exit(main())
