"""Codes about the camera's noise as the frames show it, and about what is subtracted from flats."""

from __future__ import annotations

from typing import Final

from evenfield.model.codes import CHECK, NOTE, WARNING, CodeEntry, entry

CODES_TRANSFER: Final[tuple[CodeEntry, ...]] = (
    # Photon transfer.
    entry(
        "egain_disagrees", "The header's e-/ADU is not what the flats show", NOTE,
        meaning="The noise of the flats tells how many electrons an ADU is; the header says something else by more "
        "than 5 % and more than the errors allow.",
        mend="Believe the flats; the header's number may be that of another gain setting or of the converter's steps.",
    ),
    entry(
        "not_linear", "The noise of the flats bends", WARNING, verdict=CHECK, short="not linear",
        meaning="The noise does not grow with the level as photons' noise does: the camera leaves its linear range, or "
        "charge spreads to neighboring pixels, as in CCDs.",
        mend="Take flats at about half of that level and see whether the bend is gone.",
    ),
    entry(
        "more_flats_help", "More flats would lower the noise", NOTE,
        meaning="The noise of the master flat is a noticeable part of the noise of a calibrated light.",
        mend="Take more flats, or brighter ones.",
    ),
    # Bias or dark flats.
    entry(
        "dark_flats_needed", "Dark flats are needed", WARNING, verdict=CHECK, short="needs dark flats",
        meaning="Dark flats differ from bias so much that flats calibrated with bias would spoil the lights by more "
        "than 0.1 % and more than the master flat's own noise.",
        mend="Calibrate these flats with dark flats of their own exposure.",
    ),
    entry(
        "bias_is_enough", "Bias is enough for these flats", NOTE,
        meaning="With bias in the place of dark flats, no light changes by more than 0.1 % or than the master flat's "
        "own noise, whichever is larger.",
        mend="Nothing to do; dark flats do no harm.",
    ),
    entry(
        "bias_or_dark_unclear", "Whether bias is enough cannot be told", NOTE,
        meaning="The frames do not tell on which side of the limit the error of a light would lie.",
        mend="Use dark flats, or take more of both kinds.",
    ),
    entry(
        "level_wanders", "The bias level wanders", WARNING, verdict=CHECK, short="level wanders",
        meaning="The level of frames that should be equal changes so much from one to the next that it matters in the "
        "corners of the lights.",
        mend="Use the overscan if the camera has one, or take flats and dark flats in turns.",
    ),
)  # fmt: skip
"""Every code about photon transfer, and about bias or dark flats."""
