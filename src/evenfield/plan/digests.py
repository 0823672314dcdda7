"""Digests: the same frames, settings and masters give the same digest, and nothing else enters it."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec

from evenfield.model.frame import FrameInfo
from evenfield.model.plan import ALGORITHM_VERSION, Calibration, LightStep, Plan, Step, StepInput

FrameFacts: TypeAlias = tuple[float | None, ...]
"""What the user may have corrected in a header and what then changes a product: see `frame_facts`."""


def frame_facts(frames: Iterable[FrameInfo], *, root: str) -> dict[str, FrameFacts]:
    """The described values that enter a product, by path relative to the root.

    The saturation level decides which pixels a frame's level is taken over, e-/ADU what is rejected by known noise and
    the noise of lights; exposure and temperatures stand in the header. They belong to the digest, because a correction
    by the user changes them and not the file.
    """
    return {
        relative_path(frame.path, root): (
            frame.exposure_s,
            frame.sensor_c,
            frame.set_c,
            frame.saturation_adu,
            frame.egain_e_per_adu,
        )
        for frame in frames
    }


def relative_path(path: str, root: str) -> str:
    """A path as a plan keeps it: relative to the root, with "/"; absolute where the two are on different drives."""
    try:
        return os.path.relpath(path, root).replace(os.sep, "/")
    except ValueError:
        return path.replace(os.sep, "/")


def step_digest(
    step: Step, *, needs: Mapping[str, str], hash_kind: str, facts: Mapping[str, FrameFacts] | None = None
) -> str:
    """The digest of a step, 32 hexadecimal digits.

    Enter: the identities of its frames (path relative to the root, size, time, header hash, and the ``facts`` that a
    user may have corrected), the resolved recipe,
    what is subtracted, with the digests of the masters, what tells an inferred pedestal, the regions, and the
    algorithm's version. Threads, memory,
    folders and the time never do.

    Parameters
    ----------
    step : Step
    needs : dict
        Step id -> digest of the steps it needs.
    hash_kind : str
        "xxh3" or "sha256": kept in the product, so part of it.
    facts : mapping, optional
        As `frame_facts` gives them.
    """
    calibrations = [_calibration_facts(one, needs) for one in step.calibrations]
    material = {
        "algorithm": ALGORITHM_VERSION,
        "kind": step.kind,
        "inputs": [_input_facts(item, facts) for item in step.inputs],
        "calibrations": calibrations,
        "recipe": msgspec.structs.replace(step.recipe, because=""),
        "overscan": [step.overscan, step.overscan_parts],
        "trim": step.trim,
        "group": step.group,
        "hash": hash_kind,
    }
    if step.told_by is not None:
        material["told_by"] = [
            [
                [_input_facts(item, facts) for item in one.inputs],
                [_calibration_facts(calibration, needs) for calibration in one.calibrations],
                [one.overscan, one.overscan_parts, one.trim],
            ]
            for one in step.told_by.lights
        ]
        material["darks"] = [step.told_by.darks_kind, [_input_facts(item, facts) for item in step.told_by.darks]]
    return _digest(msgspec.json.encode(material, order="sorted"))


def _calibration_facts(calibration: Calibration, needs: Mapping[str, str]) -> dict[str, object]:
    return {
        "how": calibration.how,
        "factor": calibration.factor,
        "pedestal_adu": calibration.pedestal_adu,
        "masters": {
            role: [needs.get(ref.step or "", ref.digest), ref.crop, ref.scale]
            for role, ref in calibration.masters.items()
        },
    }


def _input_facts(item: StepInput, facts: Mapping[str, FrameFacts] | None) -> list[object]:
    return [
        item.path,
        item.size_bytes,
        item.mtime_ns,
        item.header_hash,
        item.calibration,
        (facts or {}).get(item.path),
    ]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LightDigests:
    """The digest of a step of lights, and that of each product: a product does not depend on the other lights."""

    step: str
    products: tuple[str, ...]


def light_digests(step: LightStep, *, hash_kind: str, facts: Mapping[str, FrameFacts] | None = None) -> LightDigests:
    """The digests of a step of lights; what enters is as in `step_digest`."""
    common = {
        "algorithm": ALGORITHM_VERSION,
        "kind": step.kind,
        "flat": None if step.flat is None else [step.flat.digest, step.flat.crop],
        # How darks may be scaled was decided: `how` and `factor` say it.
        "recipe": msgspec.structs.replace(step.recipe, dark_scale=""),
        "overscan": [step.overscan, step.overscan_parts],
        "trim": step.trim,
        "cfa": step.group.get("cfa"),
        "hash": hash_kind,
    }
    calibrations = [_calibration_facts(one, {}) for one in step.calibrations]
    products = []
    for item in step.inputs:
        own = [common, calibrations[item.calibration], _input_facts(item, facts)[:4], (facts or {}).get(item.path)]
        products.append(_digest(msgspec.json.encode(own, order="sorted")))
    outputs = [[digest, output] for digest, output in zip(products, step.outputs, strict=True)]
    return LightDigests(step=_digest(msgspec.json.encode(outputs)), products=tuple(products))


def plan_digest(plan: Plan) -> str:
    """The digest of a plan: that of its steps and what becomes of them."""
    material: list[list[object]] = [
        [step.id, step.digest, step.output, step.refused is not None] for step in plan.steps
    ]
    material += [[light.id, light.digest, light.refused is not None] for light in plan.lights]
    return _digest(msgspec.json.encode(material))


def stale_steps(plan: Plan) -> tuple[str, ...]:
    """The ids of steps whose digest is not that of what they say: someone has changed the plan by hand.

    A product with such a digest would later be taken for another one.
    """
    facts = frame_facts(plan.frames, root=plan.root)
    digests: dict[str, str] = {}
    stale = []
    for step in plan.steps:
        digests[step.id] = step_digest(step, needs=digests, hash_kind=plan.settings.output.hash, facts=facts)
        if digests[step.id] != step.digest:
            stale.append(step.id)
    for light in plan.lights:
        found = light_digests(light, hash_kind=plan.settings.output.hash, facts=facts)
        if (found.step, found.products) != (light.digest, light.digests):
            stale.append(light.id)
    return tuple(stale)


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
