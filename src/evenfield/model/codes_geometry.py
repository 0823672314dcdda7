"""Codes about how a flat lies on the lights."""

from __future__ import annotations

from typing import Final

from evenfield.model.codes import CHECK, NOTE, WARNING, WILL_NOT, CodeEntry, entry

CODES_GEOMETRY: Final[tuple[CodeEntry, ...]] = (
    entry(
        "flat_rotated", "The flat is rotated beside the lights", WARNING, verdict=WILL_NOT, short="rotated",
        meaning="The dust of the flat is that of the lights turned about the middle of the frame: the camera was "
        "turned between flats and lights. Each dust shadow stays, and gets a bright twin.",
        mend="Take flats with the camera at the angle of the lights, or use those of that angle.",
    ),
    entry(
        "flat_shifted", "The flat is shifted beside the lights", WARNING, verdict=CHECK, short="shifted",
        meaning="The dust of the flat lies some pixels beside that of the lights: a focuser, filter wheel or camera "
        "did not come back to its place, or the files were cut differently. Each dust shadow gets a bright rim.",
        mend="Take flats without moving focuser, filter wheel or camera after the lights.",
    ),
    entry(
        "flat_flipped", "The flat is upside down", WARNING, verdict=WILL_NOT, short="upside down",
        meaning="Rows or columns of the flat are in the reverse order of those of the lights: two programs wrote files "
        "of different row order, or one mirrored them.",
        mend="Use flats and lights written by one program with one row order.",
    ),
    entry(
        "other_flat_fits_better", "Another flat fits the lights better", WARNING, verdict=CHECK,
        short="not the best",
        meaning="Dust and edges of the lights are those of another flat at hand, and not of the one that was chosen by "
        "its header and date: the camera was turned or cleaned in between.",
        mend="Use the other flat.",
    ),
    entry(
        "dust_moved", "Dust has moved between flats and lights", WARNING, verdict=CHECK, short="dust moved",
        meaning="Some dust shadows are in the flat only, in the lights only, or elsewhere: they come out bright, dark, "
        "or embossed, while all others are corrected.",
        mend="Take flats before dust can move, or give these lights flats of their own night.",
    ),
    entry(
        "flat_place_unknown", "Whether the flat lies on the lights cannot be told", NOTE,
        meaning="The flat shows too little dust for the noise of the lights to tell whether it was turned or shifted; "
        "as little would be seen of it.",
        mend="Nothing to do; more lights, or lights of a brighter sky, tell more.",
    ),
)  # fmt: skip
