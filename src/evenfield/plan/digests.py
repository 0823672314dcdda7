"""Digests: the same frames, settings and masters give the same digest, and nothing else enters it."""

from __future__ import annotations

import hashlib

import msgspec

from evenfield.model.plan import ALGORITHM_VERSION, Plan, Step


def step_digest(step: Step, *, needs: dict[str, str], hash_kind: str) -> str:
    """The digest of a step, 32 hexadecimal digits.

    Enter: the identities of its frames (path relative to the root, size, time, header hash), the resolved recipe,
    what is subtracted, with the digests of the masters, the regions, and the algorithm's version. Threads, memory,
    folders and the time never do.

    Parameters
    ----------
    step : Step
    needs : dict
        Step id -> digest of the steps it needs.
    hash_kind : str
        "xxh3" or "sha256": kept in the product, so part of it.
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
            [item.path, item.size_bytes, item.mtime_ns, item.header_hash, item.calibration] for item in step.inputs
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


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
