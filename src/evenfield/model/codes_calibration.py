"""Codes about grouping and calibrating."""

from __future__ import annotations

from typing import Final

from evenfield.model.codes import BLOCKER, CHECK, NOTE, WARNING, CodeEntry, entry

CODES_CALIBRATION: Final[tuple[CodeEntry, ...]] = (
    # Grouping.
    entry(
        "small_group", "A group of too few frames", WARNING, short="group too small",
        meaning="The group holds fewer frames than --min-group asks for.",
        mend="Lower --min-group, or join groups with --join.",
    ),
    entry(
        "mixed_sizes", "Frames of different size", BLOCKER,
        meaning="--no-grouping asks for one master, but frames of different size cannot be combined.",
        mend="Leave --no-grouping out, or choose frames of one size.",
    ),
    entry(
        "mixed_setup", "One master from different setups", WARNING, verdict=CHECK, short="mixed settings",
        meaning="--no-grouping combined frames whose camera settings differ.",
        mend="Leave --no-grouping out, so that each setup gets its own master.",
    ),
    entry(
        "filters_alike", "Filters whose names differ by case or a sign", WARNING,
        meaning="The names are kept apart, because R and r, or two makers' filters, may be different glass.",
        mend="If they are one filter, say so with --set 'PATTERN:filter=NAME'.",
    ),
    entry(
        "partly_unknown", "A setting is missing in part of the frames", NOTE,
        meaning="Frames that do not carry a setting are kept apart from those that do: unknown is not equal.",
        mend="Give the value with --set 'PATTERN:FIELD=VALUE'.",
    ),
    entry(
        "nights_apart", "Flats of one filter from several nights", NOTE,
        meaning="Each night gets a master of its own, since dust moves whenever the camera is touched.",
        mend="If nothing was touched in between, join them: --join night.",
    ),
    entry(
        "nights_by_gaps", "Nights told by gaps", NOTE,
        meaning="No place and no local time is known, so a new night begins where more than six hours passed.",
        mend="Where that is wrong, use --set 'PATTERN:night=2026-03-14'.",
    ),
    entry(
        "time_unknown", "Frames without a time", NOTE,
        meaning="The frames carry no time, so nights cannot be told apart.",
        mend="If they are of several nights, use --set 'PATTERN:night=2026-03-14'.",
    ),
    # Calibrating flats.
    entry(
        "uncalibrated", "Nothing fits to calibrate the flats", WARNING, verdict=CHECK, short="uncalibrated",
        meaning="The master keeps the camera's bias and dark signal. It will under-correct: corners and dust stay "
        "dark.",
        mend="Take dark flats: cap on, same exposure, gain and offset; or add a folder with --calibration.",
    ),
    entry(
        "no_precalibration", "Flats not calibrated, as asked", NOTE, verdict=CHECK, short="uncalibrated",
        meaning="The master keeps the camera's bias and dark signal. It will under-correct: corners and dust stay "
        "dark.",
        mend="Leave --no-precalibration out.",
    ),
    entry(
        "no_calibration_fits", "No calibration for part of the flats", WARNING, short="no dark flat fits",
        meaning="Flats calibrated in different ways never meet in one master, so these frames are left out.",
        mend="Take dark flats of their exposure, or give bias frames, which fit all exposures.",
    ),
    entry(
        "file_does_not_fit", "The named file does not fit", BLOCKER,
        meaning="None of the files of --calibrate-with or --use fits this group.",
        mend="Name a file that fits, or accept the difference with --allow-mismatch KEY:LIMIT.",
    ),
    entry(
        "calibration_left_out", "Calibration frames that nearly fit", NOTE,
        meaning="The exposure fits the flats, but another setting differs, so the frames are not used.",
        mend="Nothing to do where others fit; else take new ones with the flats' settings.",
    ),
    entry(
        "mismatch_allowed", "A mismatch accepted on request", WARNING, verdict=CHECK, short="mismatch",
        meaning="A master outside the limits was used because --allow-mismatch or --use said so.",
        mend="Take calibration frames that fit.",
    ),
    entry(
        "match_unknown", "A match that could not be checked in full", WARNING, verdict=CHECK, short="match unknown",
        meaning="A setting is known on one side only, or lost on both, so nobody can say whether the two fit.",
        mend="Give the value with --set 'PATTERN:FIELD=VALUE'.",
    ),
    entry(
        "not_compared", "Settings that no frame tells", NOTE,
        meaning="Neither the flats nor the master tells the setting, and no other frame of the camera does: many "
        "cameras have no such setting, but nobody checked it.",
        mend="Nothing to do where it was never changed; else give it with --set 'PATTERN:FIELD=VALUE'.",
    ),
    entry(
        "exposure_unknown", "Matched without exposure", WARNING, verdict=CHECK, short="no exposure",
        meaning="The flats or their darks carry no exposure, so they were matched without it.",
        mend="Give it with --set 'PATTERN:exposure_s=SECONDS'.",
    ),
    entry(
        "temperature_unknown", "Matched without temperature", NOTE,
        meaning="The frames carry no temperature, so darks were matched by exposure and settings only.",
        mend="Take dark flats right after the flats.",
    ),
    entry(
        "scaled_dark", "A longer dark, scaled", NOTE,
        meaning="No dark has the flats' exposure; a longer one is scaled down by exposure, with a bias.",
        mend="Dark flats of the flats' own exposure are better.",
    ),
    entry(
        "bias_on_unstable_sensor", "Bias on a sensor whose bias is not stable", WARNING, verdict=CHECK,
        short="bias unstable",
        meaning="The bias of this sensor changes with exposure, so bias frames do not hold what the flats hold.",
        mend="Take dark flats of the flats' own exposure, 0.2 s or longer.",
    ),
    entry(
        "overscan_ignored", "Overscan not used", NOTE,
        meaning="The header names an overscan region. It is neither subtracted nor trimmed unless asked for.",
        mend="To use it: --overscan header --trim header.",
    ),
    entry(
        "section_unknown", "Overscan or trim region unknown", BLOCKER,
        meaning="--overscan header or --trim header was asked for, but the headers name no region.",
        mend="Give the region as a FITS section, such as --trim '[1:1024,*]'.",
    ),
    entry(
        "odd_trim", "A trim that shifts the colours", BLOCKER,
        meaning="A region that begins inside a cell of the CFA mosaic gives the pixels other colours than before.",
        mend="Begin the region a multiple of 2 pixels inside (X-Trans: of 6), such as --trim '[3:1026,*]'.",
    ),
)  # fmt: skip
