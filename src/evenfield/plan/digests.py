"""Digests: the same frames, settings and masters give the same digest, and nothing else enters it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec

from evenfield.model.frame import FrameInfo
from evenfield.model.plan import ALGORITHM_VERSION, Plan, Step

FrameFacts: TypeAlias = tuple[float | None, ...]
"""What the user may have corrected in a header and what then changes a product: see `frame_facts`."""


def frame_facts(frames: Iterable[FrameInfo], *, root: str) -> dict[str, FrameFacts]:
    """The described values that enter a product, by path relative to the root.

    The saturation level decides which pixels a frame's level is taken over; exposure and temperatures stand in the
    header. They belong to the digest, because a correction by the user changes them and not the file.
    """
    return {
        relative_path(frame.path, root): (frame.exposure_s, frame.sensor_c, frame.set_c, frame.saturation_adu)
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
    what is subtracted, with the digests of the masters, the regions, and the algorithm's version. Threads, memory,
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
    calibrations = [
        {
            "how": calibration.how,
            "factor": calibration.factor,
            "pedestal_adu": calibration.pedestal_adu,
            "masters": {
                role: [needs.get(ref.step or "", ref.digest), ref.crop] for role, ref in calibration.masters.items()
            },
        }
        for calibration in step.calibrations
    ]
    material = {
        "algorithm": ALGORITHM_VERSION,
        "kind": step.kind,
        "inputs": [
            [
                item.path,
                item.size_bytes,
                item.mtime_ns,
                item.header_hash,
                item.calibration,
                (facts or {}).get(item.path),
            ]
            for item in step.inputs
        ],
        "calibrations": calibrations,
        "recipe": msgspec.structs.replace(step.recipe, because=""),
        "overscan": step.overscan,
        "trim": step.trim,
        "group": step.group,
        "hash": hash_kind,
    }
    return _digest(msgspec.json.encode(material, order="sorted"))


def plan_digest(plan: Plan) -> str:
    """The digest of a plan: that of its steps and what becomes of them."""
    material = [[step.id, step.digest, step.output, step.refused is not None] for step in plan.steps]
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
    return tuple(stale)


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
