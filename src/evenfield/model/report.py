"""The report: what a run did, step by step, and what became of every file."""

from __future__ import annotations

import enum
from typing import Final

import msgspec

from evenfield.model.findings import Finding
from evenfield.model.frame import FrameKind
from evenfield.model.plan import Excluded, FileUse, KeyValue, LightRecipe, Recipe
from evenfield.model.plots import Plot

REPORT_SCHEMA: Final = 1


class StepStatus(enum.StrEnum):
    """How a step ended."""

    DONE = "DONE"
    REUSED = "REUSED"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Verdict(enum.StrEnum):
    """Whether a master will do its job."""

    WORKS = "works"
    CHECK = "check"
    WILL_NOT_WORK = "will not work"
    CANNOT_TELL = "cannot tell"


class InputRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One frame that went into a master.

    ``hash`` is that of the file's content, ``level_adu`` its mean above what was subtracted, ``scale`` the factor that
    brought it to the common level.
    """

    path: str
    hash: str = ""
    calibration: int = 0
    level_adu: float | None = None
    scale: float = 1.0
    shift_adu: float = 0.0


class MasterRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A master that was subtracted: its file name, digest and content hash."""

    role: str
    name: str
    digest: str
    hash: str = ""
    factor: float | None = None


class Provenance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a product was made. It is kept in the product's own header and holds no absolute path and no time.

    ``recipe`` is that of a master, ``light`` that of a calibrated light.
    """

    schema: int = REPORT_SCHEMA
    version: str
    plan_digest: str
    digest: str
    id: str
    kind: FrameKind
    title: str
    group: dict[str, KeyValue]
    inputs: tuple[InputRecord, ...]
    excluded: tuple[Excluded, ...]
    calibrations: tuple[str, ...]
    masters: tuple[MasterRecord, ...]
    recipe: Recipe | None = None
    light: LightRecipe | None = None
    measured: dict[str, float | None]
    verdict: Verdict
    why: str
    because: tuple[str, ...]
    findings: tuple[Finding, ...]
    changed_by_user: tuple[str, ...] = ()


class LightRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of one light; paths are absolute.

    ``factor`` is what its dark was scaled by, with its standard error where it was found from the pixels;
    ``median_adu`` the median of the calibrated light before a pedestal was added; ``negative`` and ``no_data`` are
    numbers of pixels, ``low_clipped`` those at the least value that the raw frame can hold, ``clipped`` those that the
    type written cannot hold. ``step_adu`` is the step of the raw numbers.
    """

    path: str
    output: str
    status: StepStatus = StepStatus.DONE
    factor: float | None = None
    factor_error: float | None = None
    shift_adu: float = 0.0
    median_adu: float | None = None
    pedestal_adu: float = 0.0
    negative: int = 0
    no_data: int = 0
    low_clipped: int = 0
    clipped: int = 0
    step_adu: float | None = None


class OpenQuestion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question that the files at hand leave open, and which files would answer it."""

    question: str
    needs: str


class FrameStatistics(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Statistics of one CFA plane of one frame, ADU as stored; ``plane`` is "" without a mosaic, else R, G1, G2, B.

    ``std_adu`` has ddof 0; ``mad_adu`` is the median absolute deviation from the median, not scaled. ``low`` and
    ``high`` are numbers of pixels: at the least value that the file can hold, and at the saturation level or above
    (``None`` where it is unknown). ``no_data`` are those without a value.
    """

    path: str
    plane: str
    pixels: int
    mean_adu: float | None
    median_adu: float | None
    std_adu: float | None
    mad_adu: float | None
    minimum_adu: float | None
    maximum_adu: float | None
    low: int
    high: int | None
    no_data: int


class StepResult(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one step did. Paths are absolute; ``copies`` are those of ``outputs`` as TIFF.

    ``masters`` maps a role to the path of a master: "dark_flat", "dark", "bias"; where several exposures have masters
    of their own, the further ones are "dark_flat_2", "dark_flat_3" and so on. ``levels_adu`` are the levels of
    ``inputs``, in their order; empty where none was measured.

    ``verdict`` and ``why`` are those of the product and of the examination of its frames; ``open`` is what the files at
    hand do not answer, ``statistics`` those of every frame and CFA plane, where they were asked for; ``plots`` are
    those of what was examined.
    """

    id: str
    status: StepStatus
    kind: FrameKind
    title: str
    group: dict[str, KeyValue]
    outputs: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    levels_adu: tuple[float | None, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    masters: dict[str, str] = {}
    measured: dict[str, float | None] = {}
    verdict: Verdict = Verdict.CANNOT_TELL
    why: str = ""
    because: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    lights: tuple[LightRecord, ...] = ()
    open: tuple[OpenQuestion, ...] = ()
    statistics: tuple[FrameStatistics, ...] = ()
    plots: tuple[Plot, ...] = ()
    seconds: float = 0.0


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a run did. ``exit_code``: 0 all done, 1 something failed or was refused, 130 cancelled."""

    schema: int = REPORT_SCHEMA
    version: str = ""
    exit_code: int
    output: str = ""
    plan_digest: str = ""
    results: tuple[StepResult, ...] = ()
    files: tuple[FileUse, ...] = ()
    findings: tuple[Finding, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0
    peak_bytes: int | None = None
