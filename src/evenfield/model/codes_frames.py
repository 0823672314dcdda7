"""Codes about files and headers."""

from __future__ import annotations

from typing import Final

from evenfield.model.codes import BLOCKER, NOTE, WARNING, CodeEntry, entry

CODES_FRAMES: Final[tuple[CodeEntry, ...]] = (
    # Files and headers.
    entry(
        "header_says_light", "The header says light, the name says flat", WARNING, short="header says Light",
        meaning="The kind in the header counts. Some capture programs write 'Light Frame' into flats.",
        mend="If they are flats, say so with --set 'PATTERN:kind=flat'.",
    ),
    entry(
        "name_contradicts", "Header and name disagree about the kind", NOTE,
        meaning="The kind in the header counts; the file or folder name says something else.",
        mend="If the name is right, say so with --set 'PATTERN:kind=KIND'.",
    ),
    entry(
        "no_kind", "Nothing says what the frames are", WARNING, short="no kind known",
        meaning="Neither the header nor the folder nor the file name says whether these are flats, darks or lights.",
        mend="Say so with --set 'PATTERN:kind=flat', or put them into a folder with a telling name.",
    ),
    entry(
        "overrides_file", "Headers corrected by a file beside them", NOTE,
        meaning="A file evenfield.toml beside the frames changes what their headers say.",
        mend="Nothing to do where that is meant; else remove the file.",
    ),
    entry(
        "second_copy", "The same frame twice", NOTE, short="second copy",
        meaning="Two files hold the same bytes. A frame that counts twice would spoil rejection and noise.",
        mend="Nothing to do; one of the two is used.",
    ),
    entry(
        "processed", "Not a raw frame", NOTE, short="not a raw frame",
        meaning="Another program has already calibrated, registered or stacked this file.",
        mend="Give the raw frames instead.",
    ),
    entry(
        "bad_value", "A header value cannot be used", NOTE,
        meaning="A value is malformed, not finite or out of its range; it counts as unknown.",
        mend="Correct it with --set 'PATTERN:FIELD=VALUE'.",
    ),
    entry(
        "bad_overrides_file", "A file of corrections cannot be used", WARNING,
        meaning="An evenfield.toml beside the frames is broken or may not be read; the frames were read without it.",
        mend="Mend the line that the message names.",
    ),
    entry(
        "named_file_not_used", "A named file fits nothing", WARNING, short="fits no group",
        meaning="A file of --calibrate-with fits none of the groups of flats, while others do.",
        mend="Leave it out, or accept the difference with --allow-mismatch KEY:LIMIT.",
    ),
    entry(
        "used", "A file that is used", NOTE,
        meaning="The frame goes into a master, or is subtracted as a ready master.",
        mend="Nothing to do.",
    ),
    entry(
        "light", "A light", NOTE,
        meaning="Lights take no part in making master flats.",
        mend="Nothing to do; if it is a flat, say so with --set 'PATTERN:kind=flat'.",
    ),
    entry(
        "spare", "A calibration frame that nobody needs", NOTE,
        meaning="Another set fits better, or no flat here needs a frame of this kind, exposure, size or camera.",
        mend="Nothing to do.",
    ),
    entry(
        "master_flat", "A ready master flat", NOTE,
        meaning="Masters are made of raw flats; a ready one takes no part.",
        mend="Nothing to do.",
    ),
    entry(
        "excluded", "A file left out on request", NOTE,
        meaning="A pattern of --exclude fits the file, so it takes no part in anything.",
        mend="Leave the --exclude out, to use the file again.",
    ),
    entry(
        "not_asked", "Its master is not wanted", NOTE,
        meaning="The frame belongs to a product that --without names, or only such a product needs it.",
        mend="Leave the --without out, to make it again.",
    ),
    entry(
        "flat_in_calibration", "A flat in a calibration folder", NOTE,
        meaning="Calibration folders are searched for bias, darks and dark flats only.",
        mend="To use it, give its folder among the paths.",
    ),
    entry(
        "not_planned", "A flat for which nothing could be planned", NOTE,
        meaning="Nothing could be planned, so no flat is used.",
        mend="See the finding that says why.",
    ),
    entry(
        "not_made", "Its master was not made", NOTE,
        meaning="The frame belongs to a master that failed, was refused or was cancelled.",
        mend="See the finding about that master.",
    ),
    entry(
        "override_unused", "A correction that fits no file", WARNING,
        meaning="The pattern of a --set or --exclude fits none of the frames that were found, so it changed nothing.",
        mend="Correct the pattern; it is compared with file names, or with the end of the path where it has a slash.",
    ),
    entry(
        "without_unused", "A product to leave out that is not there, or is needed", WARNING,
        meaning="The name in --without is not that of a step, or another step needs what it names.",
        mend="Correct the name, or leave the --without out.",
    ),
    entry(
        "rename_unused", "A new name for a product that is not there", WARNING,
        meaning="The first name in --rename is not that of a step that makes a master.",
        mend="Correct the name, or leave the --rename out.",
    ),
    entry(
        "use_unused", "Files to use that fit nothing", WARNING,
        meaning="The name in --use is not that of a step that subtracts anything, or its pattern fits no whole set of "
        "calibration frames.",
        mend="Correct the name or the pattern, or leave the --use out.",
    ),
    entry(
        "unreadable", "A file cannot be read", WARNING,
        meaning="The file or folder cannot be opened.",
        mend="Check that it exists and that you may read it.",
    ),
    entry(
        "truncated", "A file is cut short", WARNING, short="cut short",
        meaning="The file holds fewer bytes than its header promises: a copy that was interrupted, or a full disk.",
        mend="Copy it again from the capture computer.",
    ),
    entry(
        "empty", "An empty file", WARNING, short="empty",
        meaning="The file holds no bytes at all.",
        mend="Copy it again from the capture computer, or delete it.",
    ),
    entry(
        "damaged", "A damaged file", WARNING, short="damaged",
        meaning="The file breaks the rules of its format.",
        mend="Copy it again from the capture computer.",
    ),
    entry(
        "not_an_image", "Not an image", WARNING, short="no image",
        meaning="The file holds no picture of two axes.",
        mend="Leave it out.",
    ),
    entry(
        "three_planes", "A colour picture of several planes", WARNING, short="3 planes",
        meaning="Calibration works on raw frames of one plane. A picture of three planes has been debayered.",
        mend="Give the raw frames instead.",
    ),
    entry(
        "unsupported", "A file of a kind that is not combined", WARNING, short="not supported",
        meaning="The file is sound, but not something that evenfield combines.",
        mend="Convert it to FITS, or leave it out.",
    ),
    entry(
        "format_not_read_yet", "A format that is not read yet", WARNING, short="format not read yet",
        meaning="This version reads FITS, XISF and the raw files of cameras.",
        mend="Save the frames as FITS, or leave them out.",
    ),
    entry(
        "raw_not_installed", "What reads a camera's raw files is not installed", WARNING, short="rawpy not installed",
        meaning="The raw files of cameras are read by LibRaw, which is an extra of its own.",
        mend='Install it: python3 -m pip install "evenfield[raw]".',
    ),
    # Nothing to do.
    entry(
        "no_frames", "No frames", BLOCKER,
        meaning="No readable image lies in the given places.",
        mend="Give the folder that holds the frames.",
    ),
    entry(
        "no_flats", "No flats", BLOCKER,
        meaning="Frames were found, but none of them is a flat.",
        mend="Give the folder with the flats; if their header says otherwise, use --set 'PATTERN:kind=flat'.",
    ),
)  # fmt: skip
