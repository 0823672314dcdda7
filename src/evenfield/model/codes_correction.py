"""Codes about over- and under-correction, and the pedestal that flats hold."""

from __future__ import annotations

from typing import Final

from evenfield.model.codes import CANNOT, NOTE, WARNING, WILL_NOT, CodeEntry, entry

CODES_CORRECTION: Final[tuple[CodeEntry, ...]] = (
    entry(
        "under_corrected", "Corners and dust stay dark", WARNING, verdict=WILL_NOT, short="dark edges",
        meaning="The sky of the lights still follows the flat after division. Either the flat holds what is not light, "
        "such as its bias, or more than its dark was subtracted from the light.",
        mend="Calibrate the flats with dark flats of their own exposure and offset, and the lights with one dark.",
    ),
    entry(
        "over_corrected", "Corners and dust come out bright", WARNING, verdict=WILL_NOT, short="pale edges",
        meaning="The sky of the lights runs against the flat after division. Either the light still holds bias or dark "
        "signal, or more than its dark flat was subtracted from the flat.",
        mend="Subtract a dark from the lights, and from the flats nothing that was subtracted before.",
    ),
    entry(
        "correction_unknown", "Nobody can say whether the flat corrects", NOTE, verdict=CANNOT,
        short="unclear sky",
        meaning="A smooth sky and vignetting look alike. What tells them apart, dust and the steep edge of the "
        "vignetting, is too weak in these frames.",
        mend="Give more lights, or lights with a brighter sky and few nebulae.",
    ),
    entry(
        "pedestal_inferred", "The pedestal of the flats told by pixels", WARNING,
        meaning="The level without light was told by the skies of the lights and the noise of the flats, and was "
        "subtracted.",
        mend="Take dark flats: they also remove the pattern, which a number cannot.",
    ),
    entry(
        "pedestal_can_be_inferred", "The flats can be rescued without dark flats", NOTE,
        meaning="Nothing was subtracted from the flats, and the skies of the lights say well enough what they hold "
        "beside light.",
        mend="Have it subtracted, or take dark flats: they also remove the pattern, which a number cannot.",
    ),
    entry(
        "pedestal_not_inferred", "The pedestal of the flats cannot be told", WARNING,
        meaning="The level without light follows from the lights' skies and the flats' noise only with an error that "
        "would spoil the flat.",
        mend="Take dark flats or bias frames, or give the level with --pedestal ADU.",
    ),
)  # fmt: skip
