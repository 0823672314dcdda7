"""Every code that a finding or a left-out file can have: what it means, what to do, and what it does to a verdict."""

from __future__ import annotations

from typing import Final

import msgspec

from evenfield.model.findings import Finding, FindingLevel
from evenfield.model.report import Verdict


class CodeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One code. ``verdict`` is what a master's verdict becomes at best when the finding is about it.

    ``short`` is the phrase of the file summary, where the code explains why a file was left out, and that beside the
    verdict in the table of masters, where it decided.
    """

    code: str
    title: str
    level: FindingLevel
    meaning: str
    mend: str
    verdict: Verdict | None = None
    short: str = ""


def _entry(
    code: str, title: str, level: FindingLevel, *, meaning: str, mend: str, verdict: Verdict | None = None,
    short: str = "",
) -> CodeEntry:  # fmt: skip
    return CodeEntry(code=code, title=title, level=level, meaning=meaning, mend=mend, verdict=verdict, short=short)


_NOTE, _WARNING, _BLOCKER = FindingLevel.NOTE, FindingLevel.WARNING, FindingLevel.BLOCKER
_CHECK, _WILL_NOT, _CANNOT = Verdict.CHECK, Verdict.WILL_NOT_WORK, Verdict.CANNOT_TELL

_ENTRIES: Final = (
    # Files and headers.
    _entry(
        "header_says_light", "The header says light, the name says flat", _WARNING, short="header says Light",
        meaning="The kind in the header counts. Some capture programs write 'Light Frame' into flats.",
        mend="If they are flats, say so with --set 'PATTERN:kind=flat'.",
    ),
    _entry(
        "name_contradicts", "Header and name disagree about the kind", _NOTE,
        meaning="The kind in the header counts; the file or folder name says something else.",
        mend="If the name is right, say so with --set 'PATTERN:kind=KIND'.",
    ),
    _entry(
        "no_kind", "Nothing says what the frames are", _WARNING, short="no kind known",
        meaning="Neither the header nor the folder nor the file name says whether these are flats, darks or lights.",
        mend="Say so with --set 'PATTERN:kind=flat', or put them into a folder with a telling name.",
    ),
    _entry(
        "overrides_file", "Headers corrected by a file beside them", _NOTE,
        meaning="A file evenfield.toml beside the frames changes what their headers say.",
        mend="Nothing to do where that is meant; else remove the file.",
    ),
    _entry(
        "second_copy", "The same frame twice", _NOTE, short="second copy",
        meaning="Two files hold the same bytes. A frame that counts twice would spoil rejection and noise.",
        mend="Nothing to do; one of the two is used.",
    ),
    _entry(
        "processed", "Not a raw frame", _NOTE, short="not a raw frame",
        meaning="Another program has already calibrated, registered or stacked this file.",
        mend="Give the raw frames instead.",
    ),
    _entry(
        "bad_value", "A header value cannot be used", _NOTE,
        meaning="A value is malformed, not finite or out of its range; it counts as unknown.",
        mend="Correct it with --set 'PATTERN:FIELD=VALUE'.",
    ),
    _entry(
        "bad_overrides_file", "A file of corrections cannot be used", _WARNING,
        meaning="An evenfield.toml beside the frames is broken or may not be read; the frames were read without it.",
        mend="Mend the line that the message names.",
    ),
    _entry(
        "named_file_not_used", "A named file fits nothing", _WARNING, short="fits no group",
        meaning="A file of --calibrate-with fits none of the groups of flats, while others do.",
        mend="Leave it out, or accept the difference with --allow-mismatch KEY:LIMIT.",
    ),
    _entry(
        "used", "A file that is used", _NOTE,
        meaning="The frame goes into a master, or is subtracted as a ready master.",
        mend="Nothing to do.",
    ),
    _entry(
        "light", "A light", _NOTE,
        meaning="Lights take no part in making master flats.",
        mend="Nothing to do; if it is a flat, say so with --set 'PATTERN:kind=flat'.",
    ),
    _entry(
        "spare", "A calibration frame that nobody needs", _NOTE,
        meaning="Another set fits better, or no flat here needs a frame of this kind, exposure, size or camera.",
        mend="Nothing to do.",
    ),
    _entry(
        "master_flat", "A ready master flat", _NOTE,
        meaning="Masters are made of raw flats; a ready one takes no part.",
        mend="Nothing to do.",
    ),
    _entry(
        "flat_in_calibration", "A flat in a calibration folder", _NOTE,
        meaning="Calibration folders are searched for bias, darks and dark flats only.",
        mend="To use it, give its folder among the paths.",
    ),
    _entry(
        "not_planned", "A flat for which nothing could be planned", _NOTE,
        meaning="Nothing could be planned, so no flat is used.",
        mend="See the finding that says why.",
    ),
    _entry(
        "not_made", "Its master was not made", _NOTE,
        meaning="The frame belongs to a master that failed, was refused or was cancelled.",
        mend="See the finding about that master.",
    ),
    _entry(
        "override_unused", "A correction that fits no file", _WARNING,
        meaning="The pattern of a --set fits none of the frames that were found, so it changed nothing.",
        mend="Correct the pattern; it is compared with file names, or with the end of the path where it has a slash.",
    ),
    _entry(
        "unreadable", "A file cannot be read", _WARNING,
        meaning="The file or folder cannot be opened.",
        mend="Check that it exists and that you may read it.",
    ),
    _entry(
        "truncated", "A file is cut short", _WARNING, short="cut short",
        meaning="The file holds fewer bytes than its header promises: a copy that was interrupted, or a full disk.",
        mend="Copy it again from the capture computer.",
    ),
    _entry(
        "empty", "An empty file", _WARNING, short="empty",
        meaning="The file holds no bytes at all.",
        mend="Copy it again from the capture computer, or delete it.",
    ),
    _entry(
        "damaged", "A damaged file", _WARNING, short="damaged",
        meaning="The file breaks the rules of its format.",
        mend="Copy it again from the capture computer.",
    ),
    _entry(
        "not_an_image", "Not an image", _WARNING, short="no image",
        meaning="The file holds no picture of two axes.",
        mend="Leave it out.",
    ),
    _entry(
        "three_planes", "A colour picture of several planes", _WARNING, short="3 planes",
        meaning="Calibration works on raw frames of one plane. A picture of three planes has been debayered.",
        mend="Give the raw frames instead.",
    ),
    _entry(
        "unsupported", "A file of a kind that is not combined", _WARNING, short="not supported",
        meaning="The file is sound, but not something that evenfield combines.",
        mend="Convert it to FITS, or leave it out.",
    ),
    _entry(
        "format_not_read_yet", "A format that is not read yet", _WARNING, short="format not read yet",
        meaning="This version reads FITS, XISF and the raw files of cameras.",
        mend="Save the frames as FITS, or leave them out.",
    ),
    _entry(
        "raw_not_installed", "What reads a camera's raw files is not installed", _WARNING, short="rawpy not installed",
        meaning="The raw files of cameras are read by LibRaw, which is an extra of its own.",
        mend='Install it: python3 -m pip install "evenfield[raw]".',
    ),
    # Nothing to do.
    _entry(
        "no_frames", "No frames", _BLOCKER,
        meaning="No readable image lies in the given places.",
        mend="Give the folder that holds the frames.",
    ),
    _entry(
        "no_flats", "No flats", _BLOCKER,
        meaning="Frames were found, but none of them is a flat.",
        mend="Give the folder with the flats; if their header says otherwise, use --set 'PATTERN:kind=flat'.",
    ),
    # Grouping.
    _entry(
        "small_group", "A group of too few frames", _WARNING, short="group too small",
        meaning="The group holds fewer frames than --min-group asks for.",
        mend="Lower --min-group, or join groups with --join.",
    ),
    _entry(
        "mixed_sizes", "Frames of different size", _BLOCKER,
        meaning="--no-grouping asks for one master, but frames of different size cannot be combined.",
        mend="Leave --no-grouping out, or choose frames of one size.",
    ),
    _entry(
        "mixed_setup", "One master from different setups", _WARNING, verdict=_CHECK, short="mixed settings",
        meaning="--no-grouping combined frames whose camera settings differ.",
        mend="Leave --no-grouping out, so that each setup gets its own master.",
    ),
    _entry(
        "filters_alike", "Filters whose names differ by case or a sign", _WARNING,
        meaning="The names are kept apart, because R and r, or two makers' filters, may be different glass.",
        mend="If they are one filter, say so with --set 'PATTERN:filter=NAME'.",
    ),
    _entry(
        "partly_unknown", "A setting is missing in part of the frames", _NOTE,
        meaning="Frames that do not carry a setting are kept apart from those that do: unknown is not equal.",
        mend="Give the value with --set 'PATTERN:FIELD=VALUE'.",
    ),
    _entry(
        "nights_by_gaps", "Nights told by gaps", _NOTE,
        meaning="No place and no local time is known, so a new night begins where more than six hours passed.",
        mend="Where that is wrong, use --set 'PATTERN:night=2026-03-14'.",
    ),
    _entry(
        "time_unknown", "Frames without a time", _NOTE,
        meaning="The frames carry no time, so nights cannot be told apart.",
        mend="If they are of several nights, use --set 'PATTERN:night=2026-03-14'.",
    ),
    # Calibrating flats.
    _entry(
        "uncalibrated", "Nothing fits to calibrate the flats", _WARNING, verdict=_CHECK, short="uncalibrated",
        meaning="The master keeps the camera's bias and dark signal. It will under-correct: corners and dust stay "
        "dark.",
        mend="Take dark flats: cap on, same exposure, gain and offset; or add a folder with --calibration.",
    ),
    _entry(
        "no_precalibration", "Flats not calibrated, as asked", _NOTE, verdict=_CHECK, short="uncalibrated",
        meaning="The master keeps the camera's bias and dark signal. It will under-correct: corners and dust stay "
        "dark.",
        mend="Leave --no-precalibration out.",
    ),
    _entry(
        "no_calibration_fits", "No calibration for part of the flats", _WARNING, short="no dark flat fits",
        meaning="Flats calibrated in different ways never meet in one master, so these frames are left out.",
        mend="Take dark flats of their exposure, or give bias frames, which fit all exposures.",
    ),
    _entry(
        "file_does_not_fit", "The named file does not fit", _BLOCKER,
        meaning="None of the files of --calibrate-with fits this group.",
        mend="Name a file that fits, or accept the difference with --allow-mismatch KEY:LIMIT.",
    ),
    _entry(
        "calibration_left_out", "Calibration frames that nearly fit", _NOTE,
        meaning="The exposure fits the flats, but another setting differs, so the frames are not used.",
        mend="Nothing to do where others fit; else take new ones with the flats' settings.",
    ),
    _entry(
        "mismatch_allowed", "A mismatch accepted on request", _WARNING, verdict=_CHECK, short="mismatch",
        meaning="A master outside the limits was used because --allow-mismatch said so.",
        mend="Take calibration frames that fit.",
    ),
    _entry(
        "match_unknown", "A match that could not be checked in full", _WARNING, verdict=_CHECK, short="match unknown",
        meaning="A setting is known on one side only, or lost on both, so nobody can say whether the two fit.",
        mend="Give the value with --set 'PATTERN:FIELD=VALUE'.",
    ),
    _entry(
        "not_compared", "Settings that no frame tells", _NOTE,
        meaning="Neither the flats nor the master tells the setting, and no other frame of the camera does: many "
        "cameras have no such setting, but nobody checked it.",
        mend="Nothing to do where it was never changed; else give it with --set 'PATTERN:FIELD=VALUE'.",
    ),
    _entry(
        "exposure_unknown", "Matched without exposure", _WARNING, verdict=_CHECK, short="no exposure",
        meaning="The flats or their darks carry no exposure, so they were matched without it.",
        mend="Give it with --set 'PATTERN:exposure_s=SECONDS'.",
    ),
    _entry(
        "temperature_unknown", "Matched without temperature", _NOTE,
        meaning="The frames carry no temperature, so darks were matched by exposure and settings only.",
        mend="Take dark flats right after the flats.",
    ),
    _entry(
        "scaled_dark", "A longer dark, scaled", _NOTE,
        meaning="No dark has the flats' exposure; a longer one is scaled down by exposure, with a bias.",
        mend="Dark flats of the flats' own exposure are better.",
    ),
    _entry(
        "bias_on_unstable_sensor", "Bias on a sensor whose bias is not stable", _WARNING, verdict=_CHECK,
        short="bias unstable",
        meaning="The bias of this sensor changes with exposure, so bias frames do not hold what the flats hold.",
        mend="Take dark flats of the flats' own exposure, 0.2 s or longer.",
    ),
    _entry(
        "overscan_ignored", "Overscan not used", _NOTE,
        meaning="The header names an overscan region. It is neither subtracted nor trimmed unless asked for.",
        mend="To use it: --overscan header --trim header.",
    ),
    _entry(
        "section_unknown", "Overscan or trim region unknown", _BLOCKER,
        meaning="--overscan header or --trim header was asked for, but the headers name no region.",
        mend="Give the region as a FITS section, such as --trim '[1:1024,*]'.",
    ),
    _entry(
        "odd_trim", "A trim that shifts the colours", _BLOCKER,
        meaning="A region that begins inside a cell of the CFA mosaic gives the pixels other colours than before.",
        mend="Begin the region a multiple of 2 pixels inside (X-Trans: of 6), such as --trim '[3:1026,*]'.",
    ),
    # Combining.
    _entry(
        "few_frames", "Few frames", _WARNING, verdict=_CHECK, short="few frames",
        meaning="With fewer than five frames outliers cannot be told from noise.",
        mend="Take 20 to 30 frames.",
    ),
    _entry(
        "few_dark_frames", "Few dark frames", _NOTE,
        meaning="The master that is subtracted was made of few frames, so its own noise goes into every flat.",
        mend="Take 20 to 30 frames.",
    ),
    _entry(
        "rejection_blind", "A rejection that cannot find anything", _NOTE,
        meaning="With so few frames no sample can lie beyond the limits: the outlier widens the scatter it is "
        "measured by.",
        mend="Use winsorized, minmax or the median, or take more frames.",
    ),
    _entry(
        "too_few_for_rejection", "Too few frames for the rejection", _BLOCKER,
        meaning="The rejection drops more samples than the group has frames.",
        mend="Choose another rejection, or a smaller number.",
    ),
    _entry(
        "cfa_unknown", "No CFA pattern known", _BLOCKER,
        meaning="--per-cfa needs to know which pixel has which colour.",
        mend="Leave --per-cfa out, or give the pattern with --set 'PATTERN:cfa=RGGB'.",
    ),
    _entry(
        "scaled_max", "Brightest pixel lifted to 1", _WARNING, verdict=_CHECK, short="lifted to 1",
        meaning="A constant was added to the master. Dividing by it always under-corrects.",
        mend="Use --level mean, the multiplicative form.",
    ),
    # While running.
    _entry(
        "bad_level", "A flat far too dark", _WARNING, short="bad level",
        meaning="The frame's level above its calibration is below a quarter of its group's median: a panel that was "
        "off, or a shutter that stayed closed.",
        mend="To keep it: --keep-bad-frames.",
    ),
    _entry(
        "saturated_frame", "A saturated flat", _WARNING, short="saturated",
        meaning="More than 1 % of the frame's pixels are at saturation, where a flat says nothing.",
        mend="Expose flats to about half of full scale. To keep it: --keep-bad-frames.",
    ),
    _entry(
        "most_frames_bad", "Most flats are bad", _WARNING, verdict=_WILL_NOT, short="bad flats",
        meaning="Fewer than half of the flats have a usable level, so all were kept and the master is of no use.",
        mend="Take the flats again, at about half of full scale.",
    ),
    _entry(
        "frame_failed", "A frame failed while it was read", _WARNING, short="failed while reading",
        meaning="The frame could be listed but its pixels could not be read; the rest goes on without it.",
        mend="Copy it again from the capture computer.",
    ),
    _entry(
        "input_changed", "A frame has changed since the plan", _BLOCKER, short="changed since the plan",
        meaning="Size, time or header of a frame are not what they were when the plan was made.",
        mend="Make the plan again.",
    ),
    _entry(
        "low_light", "Low light", _WARNING, verdict=_CHECK, short="low light",
        meaning="The flats' level is far below half of full scale, so the master adds more noise than it need.",
        mend="Expose the flats longer, or turn the panel up, to about half of full scale.",
    ),
    _entry(
        "too_bright", "Close to saturation", _WARNING, verdict=_CHECK, short="too bright",
        meaning="The flats' level is close to full scale, where sensors stop being linear.",
        mend="Expose the flats shorter, to about half of full scale.",
    ),
    _entry(
        "saturated_pixels", "Saturated pixels in the master", _WARNING, verdict=_CHECK, short="saturated",
        meaning="Part of the pixels was saturated in the flats that were combined.",
        mend="Expose the flats shorter, to about half of full scale.",
    ),
    _entry(
        "level_not_positive", "Nothing left after calibration", _WARNING, verdict=_WILL_NOT, short="no light",
        meaning="What was subtracted is as bright as the flats themselves.",
        mend="Check that the dark flats were taken with the cap on and that the flats saw light.",
    ),
    _entry(
        "pixels_not_positive", "Pixels at or below zero", _WARNING, verdict=_CHECK, short="pixels <= 0",
        meaning="Dividing by these pixels gives nothing; calibrated lights have NaN there.",
        mend="Check the dark flats; dead pixels of the sensor are harmless.",
    ),
    _entry(
        "weak_pixels", "Weak pixels", _NOTE,
        meaning="Pixels below 0.2 of the level multiply the noise of the lights by more than five.",
        mend="Nothing to do where they are dead pixels, or the border of the field.",
    ),
    _entry(
        "no_data_pixels", "Pixels without data", _NOTE,
        meaning="No frame gave a value for these pixels: blank or NaN in all of them.",
        mend="Check the frames where that was not expected.",
    ),
    _entry(
        "full_scale_unknown", "Full scale unknown", _NOTE, verdict=_CANNOT, short="full scale?",
        meaning="Without the saturation level nobody can say whether flats were too dark or too bright.",
        mend="Give it with --set '*:saturation_adu=65535'.",
    ),
    _entry(
        "output_exists", "Another product has that name", _BLOCKER,
        meaning="The file exists and was made from other frames or settings; it was left as it is.",
        mend="Choose another folder, or replace it with --overwrite.",
    ),
    _entry(
        "does_not_fit", "Values do not fit into 16 bits", _BLOCKER,
        meaning="A uint16 file holds 0 to 65535 and no fractions; nothing is wrapped or clipped.",
        mend="Use --output-type float32.",
    ),
    _entry(
        "write_failed", "A product could not be written", _BLOCKER,
        meaning="The folder cannot be written to, or the disk is full. Nothing half-written was left behind.",
        mend="Make room, or choose another folder.",
    ),
    _entry(
        "disk_space", "Not enough room", _BLOCKER,
        meaning="The products would not fit on the disk.",
        mend="Make room, or choose another folder.",
    ),
    _entry(
        "memory_budget", "The memory budget is too small", _BLOCKER,
        meaning="Not even a band of a few rows of all frames fits into the budget.",
        mend="Raise --memory.",
    ),
    _entry(
        "step_failed", "A step failed", _BLOCKER,
        meaning="A step stopped with an error; the other steps went on.",
        mend="Read the message.",
    ),
    _entry(
        "needs_failed", "What it needs was not made", _BLOCKER,
        meaning="A master that this step subtracts could not be made.",
        mend="Mend the step named, then run again.",
    ),
    _entry(
        "move_failed", "Inputs were not moved", _WARNING,
        meaning="The masters are made, but an input file could not be moved.",
        mend="Move it by hand.",
    ),
    _entry(
        "master_old", "A ready master that is old", _NOTE,
        meaning="Sensors grow hot pixels and dust moves: a bias, dark or dark flat is remarked upon after a year, a "
        "flat after 30 days.",
        mend="Take new frames; or set the age with --max-age KIND:DAYS.",
    ),
    _entry(
        "raw_frames_fit", "Raw frames beside a ready master", _NOTE,
        meaning="A ready master was nearer by exposure, temperature or number of frames than a raw set that "
        "fits as well.",
        mend="To use the raw frames, leave the master out.",
    ),
    _entry(
        "constant_bias_untold", "A bias that follows an unknown offset", _WARNING,
        meaning="The number given with --bias is a multiple of the offset setting, which these frames do not tell.",
        mend="Give the offset with --set 'PATTERN:offset_setting=N', or the bias itself in ADU.",
    ),
    _entry(
        "master_in_unit_range", "A ready master in the range 0..1", _NOTE,
        meaning="Other programs write masters in the range 0..1, where 1 is 65535 ADU, whatever the camera. The master "
        "is brought to ADU while it is read.",
        mend="If it was written in another way, say so with --set 'PATTERN:number_domain=adu'.",
    ),
    # Lights.
    _entry(
        "no_lights", "There are no lights", _BLOCKER,
        meaning="None of the frames is a light, so nothing can be calibrated.",
        mend="Give the folder with the lights; if a header says otherwise, use --set 'PATTERN:kind=light'.",
    ),
    _entry(
        "lights_not_adu", "Lights that are not in ADU", _BLOCKER,
        meaning="Raw lights are numbers of a converter. These were changed by another program, or are of a simulator.",
        mend="Give the raw lights; or, if they are in ADU, say so with --set 'PATTERN:number_domain=adu'.",
    ),
    _entry(
        "light_uncalibrated", "Nothing is subtracted from lights", _WARNING, short="nothing subtracted",
        meaning="No dark and no bias fits these lights. Their bias and dark signal stay in them, and no flat can be "
        "right.",
        mend="Take darks of the same exposure, gain and temperature; or give --pedestal ADU, or accept a difference.",
    ),
    _entry(
        "no_flat_fits", "No flat fits lights", _WARNING, short="no flat",
        meaning="No flat of the same setup, filter, optics and rotator angle was found. The lights keep their "
        "vignetting and dust.",
        mend="Take flats with the same filter and setup, or accept the difference with --allow-mismatch KEY.",
    ),
    _entry(
        "flat_not_applied", "Lights that still hold their bias are not divided", _WARNING, short="flat not applied",
        meaning="A flat divides light, not bias: dividing a frame that still holds its bias leaves corners too bright.",
        mend="Give darks or bias that fit, or the level of the bias with --pedestal ADU.",
    ),
    _entry(
        "flat_holds_bias", "The flat still holds its bias", _WARNING,
        meaning="Nothing was subtracted from the flats of this master, so lights divided by it keep part of their "
        "vignetting.",
        mend="Take dark flats, or bias, for the flats.",
    ),
    _entry(
        "flat_of_other_night", "A flat of another night", _NOTE, short="flat of another night",
        meaning="No flat of the night of the lights was found. Vignetting stays for weeks, dust moves whenever the "
        "camera is touched.",
        mend="Take flats each night, or look at the corrected lights for rings.",
    ),
    _entry(
        "dark_not_optimized", "A dark cannot be scaled", _NOTE,
        meaning="Scaling a dark needs a bias, which has to stay as it is while the dark signal is scaled.",
        mend="Take bias frames.",
    ),
    _entry(
        "dark_no_correlation", "Light and dark have nothing in common", _WARNING, short="dark does not match",
        meaning="The hot pixels of the master dark are not found in the light, so its dark was scaled to nothing.",
        mend="Look whether the dark is of the same camera, binning and orientation; or use --dark-scale none.",
    ),
    _entry(
        "dark_signal_too_weak", "The dark signal is too weak to be scaled", _NOTE,
        meaning="Too few pixels of the master dark stand out of its noise to tell how much dark signal a light has. "
        "The dark was scaled by exposure.",
        mend="Use --dark-scale none with darks of the lights' own exposure.",
    ),
    _entry(
        "amplifier_glow", "The dark has a glow that does not scale", _WARNING, short="amplifier glow",
        meaning="Part of the sensor glows in the dark. Glow does not grow as hot pixels do, so a scaled dark leaves "
        "some of it, or takes too much.",
        mend="Take darks of the lights' own exposure, and use --dark-scale none.",
    ),
    _entry(
        "light_failed", "A light was not calibrated", _BLOCKER,
        meaning="Reading, computing or writing this light failed; the others were made.",
        mend="Read the message; the next run makes what is missing.",
    ),
    _entry(
        "low_clipped", "Lights cut off at the bottom", _WARNING, short="cut off at the bottom",
        meaning="Pixels stand at the least value that the raw frame can hold: what lay below is lost.",
        mend="Raise the offset of the camera.",
    ),
    _entry(
        "mixed_scaling", "Lights and darks of different scaling", _WARNING, short="another scaling than its dark",
        meaning="The numbers of lights and darks have different steps: one of them comes from a converter of more "
        "bits, or from a driver that multiplies by 4 or 16 where the other does not.",
        mend="Take darks with the same driver, program and readout mode.",
    ),
    _entry(
        "noise_unknown", "No noise plane", _NOTE,
        meaning="The noise of a light follows from e-/ADU and from the noise of a dark frame of its exposure.",
        mend="Give e-/ADU with --set 'PATTERN:egain_e_per_adu=NUMBER', and raw darks or evenfield's masters of them.",
    ),
    _entry(
        "values_clipped", "Values that the output cannot hold", _WARNING,
        meaning="Calibrated values lie below 0 or above 65535, which uint16 cannot hold; they were cut off.",
        mend="Use --output-type float32, or --add-pedestal auto.",
    ),
    _entry(
        "negative_pixels", "Many pixels of a light are negative", _WARNING, short="many negative pixels",
        meaning="More than half of a calibrated light lies below zero: too much was subtracted, as when a bias was "
        "taken away twice.",
        mend="Look at what was subtracted; a dark must have the exposure, gain and offset of the light.",
    ),
    _entry(
        "usage", "The request contradicts itself", _BLOCKER,
        meaning="Options or settings cannot be understood, or exclude each other.",
        mend="See --help.",
    ),
    _entry(
        "plan", "Nothing can be planned", _BLOCKER,
        meaning="What was asked cannot be planned for these frames.",
        mend="Read the message.",
    ),
)  # fmt: skip

CATALOGUE: Final[dict[str, CodeEntry]] = {entry.code: entry for entry in _ENTRIES}
"""Every code by name."""


def finding(
    code: str,
    subject: str,
    message: str,
    *,
    mend: str | None = None,
    fix: tuple[str, ...] | None = None,
    level: FindingLevel | None = None,
) -> Finding:
    """A finding of a code; its level and mend come from the catalogue unless given.

    Raises
    ------
    KeyError
        If the catalogue does not hold the code.
    """
    entry = CATALOGUE[code]
    return Finding(
        level=entry.level if level is None else level,
        code=code,
        subject=subject,
        message=message,
        mend=entry.mend if mend is None else mend,
        fix=fix,
    )
