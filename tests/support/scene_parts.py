"""What a scene is: the smallest folder of frames and command line with which a code turns up."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from frame_files import Night

Arrange = Callable[[pytest.MonkeyPatch], None]
Job = Callable[[Night], Sequence[str]]


@dataclasses.dataclass(frozen=True)
class CodeScene:
    """Where one code shows.

    Parameters
    ----------
    code : str
    build : callable
        Writes frames below the given folder; returns the arguments of a job command, with absolute paths.
    shows : str
        "finding": of the plan, a step or a refusal. "file": in what becomes of a file. Both are there before anything
        runs. "result": a finding of the report, only after running. "result_file": in what became of a file, only after
        running. "error": the job stops as a whole, with an error of that code, before its first step.
    arrange : callable, optional
        What a real folder cannot do, such as a package that is not installed.
    change : callable, optional
        What happens to the folder that was given to ``build`` between plan and run.
    """

    code: str
    build: Callable[[Path], Sequence[str]]
    shows: str
    arrange: Arrange | None = None
    change: Callable[[Path], None] | None = None


class Scenes(dict[str, CodeScene]):
    """Scenes by code, and further ones of a code by "code/variant", in the order they are written down."""

    def add(
        self,
        code: str,
        shows: str,
        *,
        variant: str = "",
        arrange: Arrange | None = None,
        change: Callable[[Path], None] | None = None,
    ) -> Callable[[Job], Job]:
        """Make a scene of a function that fills a night and returns the arguments of a job."""
        name = f"{code}/{variant}" if variant else code

        def register(job: Job) -> Job:
            if name in self:
                raise ValueError(f"{name} has two scenes")
            self[name] = CodeScene(
                code=code, build=lambda folder: job(Night(folder)), shows=shows, arrange=arrange, change=change
            )
            return job

        return register
