"""evenfield: master flats and calibrated frames for astronomy, explained before they are made.

The path of a job is ``survey_folders -> make_plan -> explain_plan / estimate_plan -> run_plan``. For arrays without
files there are ``combine_frames``, ``frame_scales``, ``unit_level`` and ``calibrate_frame``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from evenfield.calibrate.frames import calibrate_frame
    from evenfield.combine.frames import combine_frames
    from evenfield.examination import examine_plan, plan_examination
    from evenfield.model.calibration import CalibrationTerms
    from evenfield.model.events import CancelToken
    from evenfield.model.findings import Finding, FindingLevel
    from evenfield.model.frame import FrameInfo, FrameKind, SensorSetup
    from evenfield.model.pixels import Combined, Image, PixelFlag, PixelSource, Tile, Unit
    from evenfield.model.plan import Plan, Step
    from evenfield.model.rejections import (
        AutoRejection,
        Extremes,
        MinMax,
        NoRejection,
        Sigma,
        Winsorized,
        ZScore,
        rejection,
        rejection_text,
    )
    from evenfield.model.report import Provenance, Report, StepResult, StepStatus, Verdict
    from evenfield.model.setting_parts import ExamineSettings, RunSettings
    from evenfield.model.settings import (
        CalibrationSettings,
        CombineSettings,
        GroupSettings,
        OutputSettings,
        SelectSettings,
        Settings,
    )
    from evenfield.model.survey import Survey
    from evenfield.normalize.scales import frame_scales
    from evenfield.normalize.unit import unit_level
    from evenfield.plan.estimate import Estimate, estimate_plan
    from evenfield.plan.explain import explain_plan
    from evenfield.plan.make import make_plan
    from evenfield.read import open_source, read_image
    from evenfield.report.save import save_report_page
    from evenfield.run.provenance import read_provenance
    from evenfield.run.run import run_plan
    from evenfield.store import load_plan, load_report, load_settings, save_plan
    from evenfield.survey import survey_folders
    from evenfield.write import write_image

_HOMES = {
    "AutoRejection": "model.rejections",
    "CalibrationSettings": "model.settings",
    "CalibrationTerms": "model.calibration",
    "CancelToken": "model.events",
    "CombineSettings": "model.settings",
    "Combined": "model.pixels",
    "Estimate": "plan.estimate",
    "ExamineSettings": "model.setting_parts",
    "Extremes": "model.rejections",
    "Finding": "model.findings",
    "FindingLevel": "model.findings",
    "FrameInfo": "model.frame",
    "FrameKind": "model.frame",
    "GroupSettings": "model.settings",
    "Image": "model.pixels",
    "MinMax": "model.rejections",
    "NoRejection": "model.rejections",
    "OutputSettings": "model.settings",
    "PixelFlag": "model.pixels",
    "PixelSource": "model.pixels",
    "Plan": "model.plan",
    "Provenance": "model.report",
    "Report": "model.report",
    "RunSettings": "model.setting_parts",
    "SelectSettings": "model.settings",
    "SensorSetup": "model.frame",
    "Settings": "model.settings",
    "Sigma": "model.rejections",
    "Step": "model.plan",
    "StepResult": "model.report",
    "StepStatus": "model.report",
    "Survey": "model.survey",
    "Tile": "model.pixels",
    "Unit": "model.pixels",
    "Verdict": "model.report",
    "Winsorized": "model.rejections",
    "ZScore": "model.rejections",
    "calibrate_frame": "calibrate.frames",
    "combine_frames": "combine.frames",
    "estimate_plan": "plan.estimate",
    "examine_plan": "examination",
    "explain_plan": "plan.explain",
    "frame_scales": "normalize.scales",
    "load_plan": "store",
    "load_report": "store",
    "load_settings": "store",
    "make_plan": "plan.make",
    "open_source": "read",
    "plan_examination": "examination",
    "read_image": "read",
    "read_provenance": "run.provenance",
    "rejection": "model.rejections",
    "rejection_text": "model.rejections",
    "run_plan": "run.run",
    "save_plan": "store",
    "save_report_page": "report.save",
    "survey_folders": "survey",
    "unit_level": "normalize.unit",
    "write_image": "write",
}

__all__ = [
    "AutoRejection",
    "CalibrationSettings",
    "CalibrationTerms",
    "CancelToken",
    "CombineSettings",
    "Combined",
    "Estimate",
    "ExamineSettings",
    "Extremes",
    "Finding",
    "FindingLevel",
    "FrameInfo",
    "FrameKind",
    "GroupSettings",
    "Image",
    "MinMax",
    "NoRejection",
    "OutputSettings",
    "PixelFlag",
    "PixelSource",
    "Plan",
    "Provenance",
    "Report",
    "RunSettings",
    "SelectSettings",
    "SensorSetup",
    "Settings",
    "Sigma",
    "Step",
    "StepResult",
    "StepStatus",
    "Survey",
    "Tile",
    "Unit",
    "Verdict",
    "Winsorized",
    "ZScore",
    "__version__",
    "calibrate_frame",
    "combine_frames",
    "estimate_plan",
    "examine_plan",
    "explain_plan",
    "frame_scales",
    "load_plan",
    "load_report",
    "load_settings",
    "make_plan",
    "open_source",
    "plan_examination",
    "read_image",
    "read_provenance",
    "rejection",
    "rejection_text",
    "run_plan",
    "save_plan",
    "save_report_page",
    "survey_folders",
    "unit_level",
    "write_image",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'evenfield' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"evenfield.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
