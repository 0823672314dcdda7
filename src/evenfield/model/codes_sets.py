"""Codes about the frames of a set, as an examination of their pixels finds them."""

from __future__ import annotations

from typing import Final

from evenfield.model.codes import CHECK, NOTE, WARNING, CodeEntry, entry

CODES_SETS: Final[tuple[CodeEntry, ...]] = (
    entry(
        "level_drifts", "The level of the flats changes", NOTE,
        meaning="The flats of a set are not equally bright. Each is scaled before they are combined, so this does no "
        "harm by itself; twilight and lamps that warm up look like this.",
        mend="Nothing need be done while the pattern stays the same.",
    ),
    entry(
        "pattern_apart", "A flat with another pattern", WARNING, verdict=CHECK, short="a flat differs",
        meaning="Divided by its level, a flat differs from the others of its set by more than noise: a cloud, a star, "
        "a hand before the panel, dust that moved.",
        mend="Look at the frame; leave it out with --exclude.",
    ),
    entry(
        "pattern_changes", "The pattern changes over the set", WARNING, verdict=CHECK, short="pattern changes",
        meaning="The last flats of a set do not show what the first ones show, beyond noise: the light on the panel or "
        "the sky changed its gradient, dust moved, or dew came.",
        mend="Take the flats again, with light that stays; keep the half taken next to the lights.",
    ),
    entry(
        "flicker_bands", "Bands from a flickering lamp", WARNING, verdict=CHECK, short="bands",
        meaning="Rows are brighter and fainter in turns, at another place in each frame: the lamp flickers while the "
        "rows are read or the shutter moves.",
        mend="Expose longer with a dimmer panel: at least ten periods of the lamp, 0.2 s and more.",
    ),
    entry(
        "stars_in_flats", "Stars in the flats", NOTE,
        meaning="Flats of the sky show points of light that are at another place in the next flat. Where they moved "
        "far enough, rejection takes them out; where not, lights get dark spots.",
        mend="Move the telescope between flats of the sky, or turn tracking off; take them while the sky is brighter, "
        "and use a rejection.",
    ),
    entry(
        "weak_color", "One color of the flats is faint", WARNING, verdict=CHECK, short="faint color",
        meaning="The faintest color of a color camera's flats has little signal, so its pixels are corrected with much "
        "noise.",
        mend="Expose longer; use a whiter light.",
    ),
    entry(
        "light_leak", "Light in the dark frames", WARNING, verdict=CHECK, short="light leak",
        meaning="Dark frames of one exposure should be alike. The pattern of these changes beyond noise: light falls "
        "on the sensor, or the amplifier glows unsteadily.",
        mend="Cover the camera, at night, and take them again.",
    ),
    entry(
        "level_unstable", "The level of dark frames wanders", NOTE,
        meaning="The mean of whole frames of one exposure differs by more than noise: a bias level that wanders. A "
        "constant shift of the bias changes nothing but the sky's level in lights, but is an error in flats.",
        mend="Use overscan, where the camera has it; take more frames.",
    ),
    entry(
        "bias_drifts_with_exposure", "The bias depends on the exposure", WARNING, verdict=CHECK, short="bias drifts",
        meaning="The level of dark frames of several exposures should be a straight line through the bias. It is not: "
        "the bias of this camera depends on the exposure, as that of many CMOS cameras does, or wandered in between. "
        "Flats minus such a bias keep a rest, and correct too little or too much.",
        mend="Use dark flats of the flats' own exposure, not bias; do not scale darks.",
    ),
    entry(
        "overscan_not_usable", "The overscan is not usable", WARNING, verdict=CHECK, short="overscan",
        meaning="Overscan must hold the bias of its frame and nothing else. This one is constant or cut off, does not "
        "follow the bias, collects dark current (optical black) or holds light, and it was subtracted.",
        mend="Leave --overscan out and use bias or dark flats; --trim alone cuts it off. Where charge trails into its "
        "first columns, name a section without them.",
    ),
    entry(
        "overscan_unfit", "An overscan that is better not used", NOTE,
        meaning="The header names an overscan that does not hold the bias of its frame alone. It was not subtracted.",
        mend="Use --trim header to cut it off, and bias or dark flats.",
    ),
    entry(
        "shutter_shadow", "The shadow of the shutter in the flats", WARNING, verdict=CHECK, short="shutter",
        meaning="The blades of a shutter uncover the middle for longer than the corners, by milliseconds. In short "
        "flats that is a part of the light; in long lights it is not. The pattern of the flats changes with one over "
        "their exposure, as such a shadow does.",
        mend="Expose flats longer, with a dimmer light.",
    ),
    entry(
        "amplifier_glow", "Amplifier glow", NOTE,
        meaning="A part of the dark frames is brighter than the rest. Glow grows with exposure but not as dark current "
        "does, so scaled darks and bias do not take it away.",
        mend="Use darks and dark flats of the very exposure; do not scale them.",
    ),
    entry(
        "dark_apart", "A dark of another warmth", WARNING, verdict=CHECK, short="a dark differs",
        meaning="The hot pixels of a frame are brighter or fainter than those of the others: it was taken warmer, "
        "colder, longer or shorter, whatever its header says.",
        mend="Leave it out with --exclude; wait until the cooler is steady.",
    ),
    entry(
        "offset_too_low", "The offset is too low", WARNING, verdict=CHECK, short="offset too low",
        meaning="Dark pixels lie at the least value that the converter can give, so noise below it is cut off and the "
        "mean is too high.",
        mend="Raise the camera's offset until the histogram of a bias frame ends above zero.",
    ),
    entry(
        "raw_altered", "The camera alters its raw data", WARNING, verdict=CHECK, short="raw altered",
        meaning="The noise of neighboring pixels is correlated: frames were smoothed, debayered, resampled, or the "
        "camera's noise reduction was on.",
        mend="Turn noise reduction off; store raw frames as they are.",
    ),
    entry(
        "panel_in_dark_flats", "The dark flats saw the panel", WARNING, verdict=CHECK, short="panel in dark flats",
        meaning="The dark flats show the pattern of the flats: light came in while they were taken.",
        mend="Cap the telescope, turn the panel off, and take the dark flats again.",
    ),
)  # fmt: skip
