"""Codes about the cause of flats that do not work."""

from __future__ import annotations

from typing import Final

from evenfield.model.codes import CHECK, WARNING, CodeEntry, entry

CODES_CAUSES: Final[tuple[CodeEntry, ...]] = (
    entry(
        "cause_told", "Why the flats do not work", WARNING, verdict=CHECK, short="cause told",
        meaning="Fourteen causes were ranked by what the pixels of flats, lights, darks and bias frames show: the "
        "strength of shadows, hot pixels and columns left in the lights, the noise of each kind of frame, shades. One "
        "has nearly all of the probability.",
        mend="Do what helps against this cause; the table of causes in the report has the others.",
    ),
    entry(
        "cause_pair", "One of two causes", WARNING, verdict=CHECK, short="two causes",
        meaning="Two causes explain what the pixels show about equally well, and no other does. One sky level cannot "
        "tell what flats hold from what lights hold, and without raw darks a wrong gain looks like a wrong exposure.",
        mend="Give more kinds of frames, or lights with another level of the sky, and examine them again.",
    ),
)  # fmt: skip
