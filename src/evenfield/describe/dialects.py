"""The tables of header dialects: which keyword holds which concept, and what each program writes."""

from __future__ import annotations

import dataclasses
import functools
from typing import Final

KEYWORDS: Final[dict[str, tuple[str, ...]]] = {
    "kind": ("IMAGETYP", "IMAGETYPE", "FRAME", "FRAMETYP", "OBSTYPE", "PICTTYPE"),
    "exposure_s": ("EXPTIME", "EXPOSURE", "EXPOSED", "ELAPSED"),
    "sensor_c": (
        "CCD-TEMP",
        "CCD_TEMP",
        "CCDTEMP",
        "TEMPERAT",
        "CCDATEMP",
        "CAMTCCD",
        "DET-TEMP",
        "DETTEMP",
        "CAMTEMP",
    ),
    "set_c": ("SET-TEMP", "SET_TEMP", "SETTEMP", "CCDSTEMP"),
    "gain_setting": ("GAIN",),
    "iso": ("ISO", "ISOSPEED"),
    "egain_e_per_adu": ("EGAIN", "E-GAIN", "CVF"),
    "offset_setting": ("OFFSET", "BLKLEVEL"),
    "binning": ("BINNING", "CCDSUM"),
    "filter": ("FILTER", "FILT-1", "INSFLNAM"),
    "filter_wheels": ("FILTER1", "FILTER2", "FILTER3"),
    "cfa": ("BAYERPAT", "COLORTYP"),
    "row_order": ("ROWORDER",),
    "readout_mode": ("READOUTM", "CONFMODE", "READMODE"),
    "camera": ("INSTRUME", "CAMERAID", "CAMERA", "DETECTOR"),
    "telescope": ("TELESCOP",),
    "focal_length_mm": ("FOCALLEN",),
    "f_number": ("APERTURE",),
    "rotator_deg": ("ROTATANG", "ROTATOR"),
    "pier_side": ("PIERSIDE",),
    "focus_position": ("FOCPOS", "FOCUSPOS", "CAMFOCUS"),
    "time": ("DATE-OBS", "DATE_OBS"),
    "clock": ("TIME-OBS", "UT", "UTC", "UTSTART", "UTC-OBS"),
    "day_number": ("MJD-OBS", "MJD_OBS", "JD", "JD-OBS", "MJD"),
    "local_at": ("DATE-LOC", "LOCALTIM"),
    "site_longitude_deg": ("OBSGEO-L", "LONG-OBS", "SITELONG", "LONGITUD"),
    "target": ("OBJECT",),
    "pedestal_adu": ("PEDESTAL",),
    "saturation_adu": ("SATURATE",),
    "overscan_section": ("BIASSEC",),
    "trim_section": ("TRIMSEC", "DATASEC"),
    "n_combined": ("NCOMBINE", "STACKCNT"),
}
"""Concept -> the keywords that may hold it, in order of preference."""

BINNING_PAIRS: Final = (("XBINNING", "YBINNING"), ("CCDXBIN", "CCDYBIN"), ("BINX", "BINY"), ("XBIN", "YBIN"))
"""Keyword pairs that hold the binning along x and y."""

MISSING_WORDS: Final = frozenset(
    (
        "",
        "n/a",
        "na",
        "none",
        "unknown",
        "notavailable",
        "not available",
        "unspecified",
        "undefined",
        "undef",
        "null",
        "nil",
        "-",
        "--",
        "---",
    )
)
"""Texts (lower case) with which programs say that they do not know a value."""

NO_FILTER_WORDS: Final = MISSING_WORDS | frozenset(
    (
        "nofilter",
        "no filter",
        "no_filter",
        "no-filter",
        "no",
        "empty",
        "air",
        "open",
        "mono",
        "notpresent",
    )
)
"""Texts (lower case) with which programs say that no filter was in the light's way."""

ROW_ORDERS: Final = {"topdown": "TOP-DOWN", "bottomup": "BOTTOM-UP"}
"""Letters of a ROWORDER text -> its canonical spelling."""

DOMAIN_WORDS: Final = {
    "adu": "adu", "adus": "adu", "count": "adu", "counts": "adu", "dn": "adu", "du": "adu",
    "electron": "electron", "electrons": "electron", "e-": "electron", "e": "electron",
    "relative": "unit", "normalized": "unit", "normalised": "unit", "unit": "unit", "dimensionless": "unit",
}  # fmt: skip
"""BUNIT (lower case) -> number domain."""

CEILINGS: Final = frozenset(
    [(1 << bits) - 1 for bits in range(8, 17)]
    # 10, 12 and 14 bit converters whose driver scales to 16 bit top at (2^bits - 1) * 2^(16 - bits).
    + [((1 << bits) - 1) << (16 - bits) for bits in (10, 12, 14)]
)
"""The values that are a converter's ceiling; any other DATAMAX is taken for the image's own maximum."""

MONO_WORDS: Final = frozenset(("mono", "monochrome", "monochromatic", "grayscale", "greyscale"))
"""Colour types (lower case) of a sensor without a colour mosaic."""

NO_MOSAIC_WORDS: Final = MISSING_WORDS | frozenset(("invalid", "no", "false"))
"""Pattern texts (lower case) that say nothing."""

CALIBRATED_KEYWORDS: Final = ("CCDPROC", "ZEROCOR", "DARKCOR", "FLATCOR")
"""Keywords that IRAF's ccdproc and its kin leave in what they calibrated."""

HISTORY_MARKS: Final = (
    ("pcl:", "written by a PixInsight process"),
    ("imagecalibration", "calibrated by PixInsight"),
    ("imageintegration", "integrated by PixInsight"),
    ("staralignment", "registered by PixInsight"),
    ("process calibrate", "calibrated by MaxIm DL"),
    ("bias corrected with", "calibrated by MaxIm DL"),
    ("dark corrected with", "calibrated by MaxIm DL"),
    ("flat corrected with", "calibrated by MaxIm DL"),
    ("auto dark subtraction", "its dark already subtracted"),
)
"""Texts (lower case) in a HISTORY that say that a file is a product, with the reason to give."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a program is known to write.

    ``name`` is its name in reports; ``amateur`` programs write the camera's own gain setting to GAIN; ``row_order`` is
    what it always writes; ``west_positive`` marks a SITELONG counted westwards; ``zero_based`` a PEDESTAL that is to
    be *added* for zero-based data; ``no_temperature`` a number that stands for an unknown temperature; ``rewrites``
    programs save files of others anew, so the rows may no longer be in the order of the program that took them.
    """

    name: str
    amateur: bool = True
    row_order: str | None = None
    west_positive: bool = False
    zero_based: bool = False
    no_temperature: float | None = None
    rewrites: bool = False


INDI: Final = Program(name="INDI", row_order="TOP-DOWN")
"""INDI drivers, known by the keyword FRAME where nothing names them."""
OBSERVATORY: Final = Program(name="", amateur=False)
"""An observatory's own software, known by its keywords only."""

PROGRAMS: Final[tuple[tuple[str, Program], ...]] = (
    ("n.i.n.a", Program(name="N.I.N.A.", row_order="TOP-DOWN")),
    ("nighttime imaging", Program(name="N.I.N.A.", row_order="TOP-DOWN")),
    ("asiair", Program(name="ASIAIR")),
    ("asistudio", Program(name="ASIStudio")),
    ("asiimg", Program(name="ASIStudio")),
    ("asicap", Program(name="ASIStudio")),
    ("asideepstack", Program(name="ASIStudio", rewrites=True)),
    ("sharpcap", Program(name="SharpCap")),
    ("sequence generator", Program(name="Sequence Generator Pro")),
    ("sgpro", Program(name="Sequence Generator Pro")),
    ("maxim", Program(name="MaxIm DL", zero_based=True)),
    ("ccdsoft", Program(name="CCDSoft", zero_based=True)),
    ("theskyx", Program(name="TheSkyX", west_positive=True, zero_based=True)),
    ("thesky ", Program(name="TheSkyX", west_positive=True, zero_based=True)),
    ("ccdops", Program(name="CCDOPS", zero_based=True)),
    ("ekos", Program(name="Ekos", row_order="TOP-DOWN")),
    ("kstars", Program(name="KStars", row_order="TOP-DOWN")),
    ("indigo", Program(name="INDIGO")),
    ("indi", INDI),
    ("pixinsight", Program(name="PixInsight", rewrites=True)),
    ("siril", Program(name="Siril", rewrites=True)),
    ("astro pixel processor", Program(name="Astro Pixel Processor", rewrites=True)),
    ("deepskystacker", Program(name="DeepSkyStacker", rewrites=True)),
    ("masterflatmaker", Program(name="MasterFlatMaker", rewrites=True)),
    ("masterdarkmaker", Program(name="MasterDarkMaker", rewrites=True)),
    ("evenfield", Program(name="evenfield")),
    ("astro photography tool", Program(name="Astro Photography Tool")),
    ("astroimagej", Program(name="AstroImageJ", amateur=False, rewrites=True)),
    ("astrofx", Program(name="Celestron AstroFX")),
    ("astroart", Program(name="Astroart")),
    ("astrodmx", Program(name="AstroDMx")),
    ("ccdciel", Program(name="CCDciel")),
    ("firecapture", Program(name="FireCapture")),
    ("nebulosity", Program(name="Nebulosity")),
    ("prism", Program(name="Prism")),
    ("voyager", Program(name="Voyager")),
    ("microobservatory", Program(name="MicroObservatory", amateur=False, no_temperature=-1.0)),
)
"""A text (lower case) in a program keyword -> the program; the first match counts."""

PROGRAM_KEYWORDS: Final = ("SWCREATE", "CREATOR", "PROGRAM", "SOFTWARE", "SWMODIFY")
"""Keywords that name a program; the one that took the frame is before those that changed it."""

FREE_PROGRAM_KEYWORDS: Final = frozenset(("SWCREATE", "CREATOR", "SOFTWARE"))
"""Of these, keywords that hold a program even if it is not in the table (PROGRAM may be an observing program)."""

SBIG_EXTENSIONS: Final = Program(name="", zero_based=True)
"""What SBSTDVER alone tells: the file keeps SBIG's FITS extensions, by a program unknown."""

OBSERVATORY_KEYWORDS: Final = frozenset(("OBSTYPE", "RDNOISE", "READNOIS", "RDNOISE1"))
"""Keywords that no amateur's capture program writes."""


@functools.lru_cache(maxsize=256)
def known_program(text: str) -> Program | None:
    """The program of the table that a keyword's text names, or ``None``."""
    lower = text.lower()
    for mark, program in PROGRAMS:
        if mark in lower:
            return program
    return None
