"""A map of the defects that several masters show, as one file."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import Final

import numpy as np

from evenfield.describe.description import describe_frame
from evenfield.errors import UsageError
from evenfield.examine.defects import find_defects
from evenfield.model.frame import DARK_KINDS, FrameKind
from evenfield.model.pixels import PixelFlag
from evenfield.read import read_extension, read_header, read_image
from evenfield.write import write_image

FLAGS: Final = {
    "hot": PixelFlag.HOT,
    "cold": PixelFlag.COLD,
    "unstable": PixelFlag.UNSTABLE,
    "without data": PixelFlag.NO_DATA,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DefectMap:
    """Where a map was written, how many pixels it has, and how many of each kind of defect."""

    path: str
    pixels: int
    counts: dict[str, int]


def map_defects(masters: Sequence[str], *, output: str, overwrite: bool = False) -> DefectMap:
    """Write the defects that masters of one sensor show into a FITS file (uint16, `PixelFlag` bits).

    Raises
    ------
    UsageError
        If a file is no master of a bias, dark, dark flat or flat, or sizes differ.
    ReadError, WriteError
    """
    flags = None
    for path in masters:
        header = read_header(path)
        frame = describe_frame(header)
        if frame.kind not in (*DARK_KINDS, FrameKind.FLAT):
            raise UsageError(
                f"{os.path.basename(path)} is no master dark, bias or flat.", mend="Give the masters of one camera."
            )
        found = find_defects(
            read_image(path).pixels,
            is_dark=frame.kind is not FrameKind.FLAT,
            noise=read_extension(path, "NOISE"),
            cfa=frame.setup.cfa,
        )
        if flags is not None and flags.shape != found.shape:
            raise UsageError(
                f"{os.path.basename(path)} is of another size than {os.path.basename(masters[0])}.",
                mend="Give masters of one sensor, region and binning.",
            )
        flags = found if flags is None else flags | found
    if flags is None:
        raise UsageError("No master was given.", mend="evenfield defects master_dark.fits master_flat.fits")
    cards = [
        ("IMAGETYP", "Defect Map", "kind of frame"),
        ("BUNIT", "", "sum of flags: 1 no data, 32 hot, 64 cold, 128 unstable"),
        ("SWCREATE", "evenfield", "program"),
    ]
    counts = {name: int(np.count_nonzero(flags & flag)) for name, flag in FLAGS.items()}
    history = [f"{os.path.basename(path)}" for path in masters]
    written = write_image(output, image=flags, cards=cards, history=history, sample="uint16", overwrite=overwrite)
    return DefectMap(path=written, pixels=flags.size, counts={name: n for name, n in counts.items() if n} or {"no": 0})
