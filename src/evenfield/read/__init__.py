"""Bytes to headers and lazily read pixels: scanning folders, and one reader a file format.

What opens pixels needs numpy and is imported when it is first asked for: a survey reads headers alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from evenfield.read.access import keeping_files, raise_file_limit
from evenfield.read.fits import read_header
from evenfield.read.refusals import reason_of
from evenfield.read.remembered import RememberedFrames
from evenfield.read.scan import Listing, Problem, list_files

if TYPE_CHECKING:
    from evenfield.read.sources import open_source, read_extension, read_history, read_image
    from evenfield.read.views import ArraySource, CroppedSource, kept_if_packed, true_values

_HOMES = {
    "ArraySource": "views",
    "CroppedSource": "views",
    "kept_if_packed": "views",
    "open_source": "sources",
    "read_extension": "sources",
    "read_history": "sources",
    "read_image": "sources",
    "true_values": "views",
}

__all__ = [
    "ArraySource",
    "CroppedSource",
    "Listing",
    "Problem",
    "RememberedFrames",
    "keeping_files",
    "kept_if_packed",
    "list_files",
    "open_source",
    "raise_file_limit",
    "read_extension",
    "read_header",
    "read_history",
    "read_image",
    "reason_of",
    "true_values",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'evenfield.read' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"evenfield.read.{home}"), name)
    globals()[name] = value
    return value
