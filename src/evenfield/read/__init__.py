"""Bytes to headers and lazily read pixels: scanning folders, and one reader a file format."""

from evenfield.read.fits import read_header
from evenfield.read.refusals import reason_of
from evenfield.read.scan import Listing, Problem, list_files
from evenfield.read.sources import open_source, read_history, read_image
from evenfield.read.views import ArraySource, CroppedSource

__all__ = [
    "ArraySource",
    "CroppedSource",
    "Listing",
    "Problem",
    "list_files",
    "open_source",
    "read_header",
    "read_history",
    "read_image",
    "reason_of",
]
