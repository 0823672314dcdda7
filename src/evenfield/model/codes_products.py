"""Codes about combining, running, lights and products."""

from __future__ import annotations

from typing import Final

from evenfield.model.codes import BLOCKER, CANNOT, CHECK, NOTE, WARNING, WILL_NOT, CodeEntry, entry

CODES_PRODUCTS: Final[tuple[CodeEntry, ...]] = (
    # Combining.
    entry(
        "few_frames", "Few frames", WARNING, verdict=CHECK, short="few frames",
        meaning="With fewer than five frames outliers cannot be told from noise.",
        mend="Take 20 to 30 frames.",
    ),
    entry(
        "few_dark_frames", "Few dark frames", NOTE,
        meaning="The master that is subtracted was made of few frames, so its own noise goes into every flat.",
        mend="Take 20 to 30 frames.",
    ),
    entry(
        "rejection_blind", "A rejection that cannot find anything", NOTE,
        meaning="With so few frames no sample can lie beyond the limits: the outlier widens the scatter it is "
        "measured by.",
        mend="Use winsorized, minmax or the median, or take more frames.",
    ),
    entry(
        "too_few_for_rejection", "Too few frames for the rejection", BLOCKER,
        meaning="The rejection drops more samples than the group has frames.",
        mend="Choose another rejection, or a smaller number.",
    ),
    entry(
        "cfa_unknown", "No CFA pattern known", BLOCKER,
        meaning="--per-cfa needs to know which pixel has which colour.",
        mend="Leave --per-cfa out, or give the pattern with --set 'PATTERN:cfa=RGGB'.",
    ),
    entry(
        "scaled_max", "Brightest pixel lifted to 1", WARNING, verdict=CHECK, short="lifted to 1",
        meaning="A constant was added to the master. Dividing by it always under-corrects.",
        mend="Use --level mean, the multiplicative form.",
    ),
    # While running.
    entry(
        "bad_level", "A flat far too dark", WARNING, short="bad level",
        meaning="The frame's level above its calibration is below a quarter of its group's median: a panel that was "
        "off, or a shutter that stayed closed.",
        mend="To keep it: --keep-bad-frames.",
    ),
    entry(
        "saturated_frame", "A saturated flat", WARNING, short="saturated",
        meaning="More than 1 % of the frame's pixels are at saturation, where a flat says nothing.",
        mend="Expose flats to about half of full scale. To keep it: --keep-bad-frames.",
    ),
    entry(
        "most_frames_bad", "Most flats are bad", WARNING, verdict=WILL_NOT, short="bad flats",
        meaning="Fewer than half of the flats have a usable level, so all were kept and the master is of no use.",
        mend="Take the flats again, at about half of full scale.",
    ),
    entry(
        "frame_failed", "A frame failed while it was read", WARNING, short="failed while reading",
        meaning="The frame could be listed but its pixels could not be read; the rest goes on without it.",
        mend="Copy it again from the capture computer.",
    ),
    entry(
        "input_changed", "A frame has changed since the plan", BLOCKER, short="changed since the plan",
        meaning="Size, time or header of a frame are not what they were when the plan was made.",
        mend="Make the plan again.",
    ),
    entry(
        "low_light", "Low light", WARNING, verdict=CHECK, short="low light",
        meaning="The flats' level is far below half of full scale, so the master adds more noise than it need.",
        mend="Expose the flats longer, or turn the panel up, to about half of full scale.",
    ),
    entry(
        "too_bright", "Close to saturation", WARNING, verdict=CHECK, short="too bright",
        meaning="The flats' level is close to full scale, where sensors stop being linear.",
        mend="Expose the flats shorter, to about half of full scale.",
    ),
    entry(
        "saturated_pixels", "Saturated pixels in the master", WARNING, verdict=CHECK, short="saturated",
        meaning="Part of the pixels was saturated in the flats that were combined.",
        mend="Expose the flats shorter, to about half of full scale.",
    ),
    entry(
        "level_not_positive", "Nothing left after calibration", WARNING, verdict=WILL_NOT, short="no light",
        meaning="What was subtracted is as bright as the flats themselves.",
        mend="Check that the dark flats were taken with the cap on and that the flats saw light.",
    ),
    entry(
        "pixels_not_positive", "Pixels at or below zero", WARNING, verdict=CHECK, short="pixels <= 0",
        meaning="Dividing by these pixels gives nothing; calibrated lights have NaN there.",
        mend="Check the dark flats; dead pixels of the sensor are harmless.",
    ),
    entry(
        "weak_pixels", "Weak pixels", NOTE,
        meaning="Pixels below 0.2 of the level multiply the noise of the lights by more than five.",
        mend="Nothing to do where they are dead pixels, or the border of the field.",
    ),
    entry(
        "no_data_pixels", "Pixels without data", NOTE,
        meaning="No frame gave a value for these pixels: blank or NaN in all of them.",
        mend="Check the frames where that was not expected.",
    ),
    entry(
        "full_scale_unknown", "Full scale unknown", NOTE, verdict=CANNOT, short="full scale?",
        meaning="Without the saturation level nobody can say whether flats were too dark or too bright.",
        mend="Give it with --set '*:saturation_adu=65535'.",
    ),
    entry(
        "output_exists", "Another product has that name", BLOCKER,
        meaning="The file exists and was made from other frames or settings; it was left as it is.",
        mend="Choose another folder, or replace it with --overwrite.",
    ),
    entry(
        "does_not_fit", "Values do not fit into 16 bits", BLOCKER,
        meaning="A uint16 file holds 0 to 65535 and no fractions; nothing is wrapped or clipped.",
        mend="Use --output-type float32.",
    ),
    entry(
        "write_failed", "A product could not be written", BLOCKER,
        meaning="The folder cannot be written to, or the disk is full. Nothing half-written was left behind.",
        mend="Make room, or choose another folder.",
    ),
    entry(
        "disk_space", "Not enough room", BLOCKER,
        meaning="The products would not fit on the disk.",
        mend="Make room, or choose another folder.",
    ),
    entry(
        "memory_budget", "The memory budget is too small", BLOCKER,
        meaning="Not even a band of a few rows of all frames fits into the budget.",
        mend="Raise --memory.",
    ),
    entry(
        "step_failed", "A step failed", BLOCKER,
        meaning="A step stopped with an error; the other steps went on.",
        mend="Read the message.",
    ),
    entry(
        "needs_failed", "What it needs was not made", BLOCKER,
        meaning="A master that this step subtracts could not be made.",
        mend="Mend the step named, then run again.",
    ),
    entry(
        "tiff_failed", "A TIFF copy was not made", WARNING,
        meaning="The product itself is there; the copy of it that was asked for could not be written.",
        mend="See the reason, then run again: only what is missing is made.",
    ),
    entry(
        "tiff_not_installed", "What writes TIFF is not installed", WARNING,
        meaning="TIFF copies need the package tifffile.",
        mend='Install it: python3 -m pip install "evenfield[tiff]".',
    ),
    entry(
        "move_failed", "Inputs were not moved", WARNING,
        meaning="The masters are made, but an input file could not be moved.",
        mend="Move it by hand.",
    ),
    entry(
        "master_old", "A ready master that is old", NOTE,
        meaning="Sensors grow hot pixels and dust moves: a bias, dark or dark flat is remarked upon after a year, a "
        "flat after 30 days.",
        mend="Take new frames; or set the age with --max-age KIND:DAYS.",
    ),
    entry(
        "raw_frames_fit", "Raw frames beside a ready master", NOTE,
        meaning="A ready master was nearer by exposure, temperature or number of frames than a raw set that "
        "fits as well.",
        mend="To use the raw frames, leave the master out.",
    ),
    entry(
        "constant_bias_untold", "A bias that follows an unknown offset", WARNING,
        meaning="The number given with --bias is a multiple of the offset setting, which these frames do not tell.",
        mend="Give the offset with --set 'PATTERN:offset_setting=N', or the bias itself in ADU.",
    ),
    entry(
        "master_in_unit_range", "A ready master in the range 0..1", NOTE,
        meaning="Other programs write masters in the range 0..1, where 1 is 65535 ADU, whatever the camera. The master "
        "is brought to ADU while it is read.",
        mend="If it was written in another way, say so with --set 'PATTERN:number_domain=adu'.",
    ),
    # Lights.
    entry(
        "no_lights", "There are no lights", BLOCKER,
        meaning="None of the frames is a light, so nothing can be calibrated.",
        mend="Give the folder with the lights; if a header says otherwise, use --set 'PATTERN:kind=light'.",
    ),
    entry(
        "lights_not_adu", "Lights that are not in ADU", BLOCKER,
        meaning="Raw lights are numbers of a converter. These were changed by another program, or are of a simulator.",
        mend="Give the raw lights; or, if they are in ADU, say so with --set 'PATTERN:number_domain=adu'.",
    ),
    entry(
        "light_uncalibrated", "Nothing is subtracted from lights", WARNING, short="nothing subtracted",
        meaning="No dark and no bias fits these lights. Their bias and dark signal stay in them, and no flat can be "
        "right.",
        mend="Take darks of the same exposure, gain and temperature; or give --pedestal ADU, or accept a difference.",
    ),
    entry(
        "no_flat_fits", "No flat fits lights", WARNING, short="no flat",
        meaning="No flat of the same setup, filter, optics and rotator angle was found. The lights keep their "
        "vignetting and dust.",
        mend="Take flats with the same filter and setup, or accept the difference with --allow-mismatch KEY.",
    ),
    entry(
        "flat_not_applied", "Lights that still hold their bias are not divided", WARNING, short="flat not applied",
        meaning="A flat divides light, not bias: dividing a frame that still holds its bias leaves corners too bright.",
        mend="Give darks or bias that fit, or the level of the bias with --pedestal ADU.",
    ),
    entry(
        "flat_holds_bias", "The flat still holds its bias", WARNING,
        meaning="Nothing was subtracted from the flats of this master, so lights divided by it keep part of their "
        "vignetting.",
        mend="Take dark flats, or bias, for the flats.",
    ),
    entry(
        "flat_of_other_night", "A flat of another night", NOTE, short="flat of another night",
        meaning="No flat of the night of the lights was found. Vignetting stays for weeks, dust moves whenever the "
        "camera is touched.",
        mend="Take flats each night, or look at the corrected lights for rings.",
    ),
    entry(
        "dark_not_optimized", "A dark cannot be scaled", NOTE,
        meaning="Scaling a dark needs a bias, which has to stay as it is while the dark signal is scaled.",
        mend="Take bias frames.",
    ),
    entry(
        "dark_no_correlation", "Light and dark have nothing in common", WARNING, short="dark does not match",
        meaning="The hot pixels of the master dark are not found in the light, so its dark was scaled to nothing.",
        mend="Look whether the dark is of the same camera, binning and orientation; or use --dark-scale none.",
    ),
    entry(
        "dark_signal_too_weak", "The dark signal is too weak to be scaled", NOTE,
        meaning="Too few pixels of the master dark stand out of its noise to tell how much dark signal a light has. "
        "The dark was scaled by exposure.",
        mend="Use --dark-scale none with darks of the lights' own exposure.",
    ),
    entry(
        "amplifier_glow", "The dark has a glow that does not scale", WARNING, short="amplifier glow",
        meaning="Part of the sensor glows in the dark. Glow does not grow as hot pixels do, so a scaled dark leaves "
        "some of it, or takes too much.",
        mend="Take darks of the lights' own exposure, and use --dark-scale none.",
    ),
    entry(
        "light_failed", "A light was not calibrated", BLOCKER,
        meaning="Reading, computing or writing this light failed; the others were made.",
        mend="Read the message; the next run makes what is missing.",
    ),
    entry(
        "low_clipped", "Lights cut off at the bottom", WARNING, short="cut off at the bottom",
        meaning="Pixels stand at the least value that the raw frame can hold: what lay below is lost.",
        mend="Raise the offset of the camera.",
    ),
    entry(
        "color_shifted", "One scale for all colors of a flat", NOTE,
        meaning="The master flat was divided by one mean of all its colors, so the color of the lamp or the twilight "
        "goes into the lights: pixels of a color that the flat has much of become fainter. Nothing is lost, but the "
        "balance of colors is another one than the camera's.",
        mend="Use --cfa-flat separate, the default: each color is divided by its own mean.",
    ),
    entry(
        "pedestal_needed", "Values below zero are cut off", NOTE,
        meaning="The noise of a dark sky goes below zero when the dark is subtracted. A file of whole numbers from 0 "
        "on cannot hold that: it is cut off, and the mean of the sky rises.",
        mend="Add a pedestal, which is written to PEDESTAL, or use --output-type float32.",
    ),
    entry(
        "mixed_scaling", "Lights and darks of different scaling", WARNING, short="another scaling than its dark",
        meaning="The numbers of lights and darks have different steps: one of them comes from a converter of more "
        "bits, or from a driver that multiplies by 4 or 16 where the other does not.",
        mend="Take darks with the same driver, program and readout mode.",
    ),
    entry(
        "noise_unknown", "No noise plane", NOTE,
        meaning="The noise of a light follows from e-/ADU and from the noise of a dark frame of its exposure.",
        mend="Give e-/ADU with --set 'PATTERN:egain_e_per_adu=NUMBER', and raw darks or evenfield's masters of them.",
    ),
    entry(
        "values_clipped", "Values that the output cannot hold", WARNING,
        meaning="Calibrated values lie below 0 or above 65535, which uint16 cannot hold; they were cut off.",
        mend="Use --output-type float32, or --add-pedestal auto.",
    ),
    entry(
        "negative_pixels", "Many pixels of a light are negative", WARNING, short="many negative pixels",
        meaning="More than half of a calibrated light lies below zero: too much was subtracted, as when a bias was "
        "taken away twice.",
        mend="Look at what was subtracted; a dark must have the exposure, gain and offset of the light.",
    ),
    entry(
        "usage", "The request contradicts itself", BLOCKER,
        meaning="Options or settings cannot be understood, or exclude each other.",
        mend="See --help.",
    ),
    entry(
        "plan", "Nothing can be planned", BLOCKER,
        meaning="What was asked cannot be planned for these frames.",
        mend="Read the message.",
    ),
)  # fmt: skip
