"""Pixels and provenance to files: each appears complete under its name, or not at all."""

from evenfield.write.atomic import remove_stale_partials
from evenfield.write.document import write_text
from evenfield.write.fits_file import write_image
from evenfield.write.move import move_file

__all__ = ["move_file", "remove_stale_partials", "write_image", "write_text"]
