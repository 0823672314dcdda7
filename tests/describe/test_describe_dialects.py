"""Each program's dialect, and every row of the keyword table, as named cases."""

from __future__ import annotations

from typing import Any

import pytest

from evenfield.describe.description import describe_frame
from evenfield.model.frame import FrameInfo
from evenfield.model.header import CardValue, RawHeader


def header(
    cards: dict[str, CardValue],
    *,
    path: str = "/data/night/frame_0001.fits",
    shape: tuple[int, int] = (100, 200),
    sample: str = "uint16",
    history: tuple[str, ...] = (),
) -> RawHeader:
    return RawHeader(
        path=path,
        cards=tuple(cards.items()),
        shape=shape,
        sample=sample,
        size_bytes=2880,
        mtime_ns=7,
        header_hash="abc",
        history=history,
    )


def value(frame: FrameInfo, field: str) -> Any:
    return getattr(frame, field) if hasattr(frame, field) else getattr(frame.setup, field)


def described(cards: dict[str, CardValue], **layout: Any) -> FrameInfo:
    return describe_frame(header(cards, **layout))


NINA: dict[str, CardValue] = {
    "SWCREATE": "N.I.N.A. 2.1.0.9001 (x64)",
    "IMAGETYP": "DARKFLAT",
    "EXPOSURE": 1.5,
    "EXPTIME": 1.5,
    "DATE-OBS": "2024-03-14T22:48:01.1234567",
    "DATE-LOC": "2024-03-14T23:48:01.1234567",
    "XBINNING": 1,
    "YBINNING": 1,
    "GAIN": 2,
    "OFFSET": 10,
    "EGAIN": 0.25,
    "SET-TEMP": -10.0,
    "CCD-TEMP": -9.9,
    "READOUTM": "High Gain Mode",
    "FILTER": "Ha",
    "BAYERPAT": "RGGB",
    "XBAYROFF": 0,
    "YBAYROFF": 0,
    "USBLIMIT": 50,
    "INSTRUME": "ZWO ASI2600MC Pro",
    "ROTATOR": 370.0,
    "FOCALLEN": 530.0,
    "TELESCOP": "FSQ",
    "PIERSIDE": "West",
    "SITELONG": 11.5,
    "FOCPOS": 12000,
    "OBJECT": "M 31",
}
ASIAIR: dict[str, CardValue] = {
    "CREATOR": "ZWO ASIAIR Plus",
    "IMAGETYP": "Flat",
    "EXPOSURE": 0.5,
    "GAIN": 101,
    "OFFSET": 50,
    "CCD-TEMP": -10.1,
    "SET-TEMP": -10.0,
    "DATE-OBS": "2024-03-14T22:48:01.123456",
    "BAYERPAT": "RGGB",
    "FILTER": "",
    "XBINNING": 2,
    "YBINNING": 2,
    "INSTRUME": "ZWO ASI2600MC Pro",
    "TELESCOP": "ZWO AM5",
    "FOCALLEN": 400,
}
SHARPCAP: dict[str, CardValue] = {
    "SWCREATE": "SharpCap v4.1.11850.0, 64 bit",
    "EXPTIME": 2.0,
    "GAIN": 300,
    "BLKLEVEL": 20,
    "CCD-TEMP": 12.5,
    "COLORTYP": "GBRG",
    "BAYERPAT": "GBRG",
    "XBINNING": 1,
    "YBINNING": 1,
    "INSTRUME": "ZWO ASI294MC",
}
SGP: dict[str, CardValue] = {
    "CREATOR": "Sequence Generator Pro v3.0.0.14",
    "IMAGETYP": "DARK",
    "TEMPERAT": -15.07,
    "SET-TEMP": -15.0,
    "EXPOSURE": 300.0,
    "GAIN": 139,
    "EGAIN": 1.0,
    "DATE-OBS": "2019-01-05T01:02:03.4560000",
    "FOCUSPOS": 3100,
    "CCDXBIN": 2,
    "CCDYBIN": 2,
    "XBINNING": 2,
    "YBINNING": 2,
    "READMODE": "High Quality",
    "ANGLE": 3.0,
}
MAXIM: dict[str, CardValue] = {
    "SWCREATE": "MaxIm DL Version 6.16",
    "PICTTYPE": 4,
    "EXPTIME": 3.0,
    "SET-TEMP": -20.0,
    "CCD-TEMP": -19.98,
    "PEDESTAL": -100,
    "SITELONG": "-96 27 12",
    "JD": 2458353.8677083333,
    "READOUTM": "Monochrome",
    "DATAMAX": 65535,
    "SBSTDVER": "SBFITSEXT Version 1.0",
}
LCO: dict[str, CardValue] = {
    "ORIGIN": "LCOGT",
    "OBSTYPE": "SKYFLAT",
    "EXPTIME": 6.1,
    "CCDATEMP": -100.0,
    "CCDSTEMP": -100.0,
    "GAIN": 1.0,
    "CCDSUM": "1 1",
    "CONFMODE": "full_frame",
    "FILTER": "rp",
    "FILTER1": "air",
    "SATURATE": 128000.0,
    "RLEVEL": 0,
    "BIASSEC": "UNKNOWN",
    "TRIMSEC": "[1:4096,1:4096]",
    "DATE-OBS": "2016-10-26T03:24:18.571",
    "INSTRUME": "fa15",
    "DATASEC": "[1:10,1:10]",
    "OBJECT": "N/A",
    "CCDATEMP2": "N/A",
    "LONGITUD": -70.80475,
}
INDI: dict[str, CardValue] = {
    "FRAME": "Flat Field",
    "EXPTIME": 0.1,
    "GAIN": 5.0,
    "OFFSET": 8.0,
    "FILTER": "O-III",
    "INSTRUME": "ZWO CCD ASI1600",
    "DATAMIN": 428.0,
    "DATAMAX": 16383.0,
    "SITELONG": -1.033,
    "XBINNING": 1,
    "YBINNING": 1,
}

DIALECTS: dict[str, tuple[dict[str, CardValue], dict[str, Any]]] = {
    "N.I.N.A.": (
        NINA,
        {
            "kind": "dark_flat",
            "program": "N.I.N.A.",
            "exposure_s": 1.5,
            "gain_setting": 2.0,
            "offset_setting": 10.0,
            "cfa": "RGGB",
            "egain_e_per_adu": 0.25,
            "row_order": "TOP-DOWN",
            "readout_mode": "High Gain Mode",
            "rotator_deg": 10.0,
            "pier_side": "west",
            "taken_at": "2024-03-14T22:48:01.123",
            "local_at": "2024-03-14T23:48:01.123",
            "filter": "Ha",
            "site_longitude_deg": 11.5,
            "focal_length_mm": 530.0,
            "focus_position": 12000.0,
            "target": "M 31",
        },
    ),
    "N.I.N.A. snapshot": ({**NINA, "IMAGETYP": "SNAPSHOT"}, {"kind": "light"}),
    "N.I.N.A. without gain": ({**NINA, "GAIN": -1, "OFFSET": -1}, {"gain_setting": None, "offset_setting": None}),
    "ASIAIR": (
        ASIAIR,
        {
            "kind": "flat",
            "program": "ASIAIR",
            "gain_setting": 101.0,
            "filter": None,
            "binning": (2, 2),
            "row_order": None,
            "taken_at": "2024-03-14T22:48:01.123",
            "origin": None,
        },
    ),
    "SharpCap": (
        SHARPCAP,
        {"kind": None, "program": "SharpCap", "offset_setting": 20.0, "cfa": "GBRG", "gain_setting": 300.0},
    ),
    "SGP": (
        SGP,
        {
            "kind": "dark",
            "program": "Sequence Generator Pro",
            "sensor_c": -15.07,
            "focus_position": 3100.0,
            "readout_mode": "High Quality",
            "binning": (2, 2),
        },
    ),
    "MaxIm DL": (
        MAXIM,
        {
            "kind": "flat",
            "program": "MaxIm DL",
            "pedestal_adu": 100.0,
            "saturation_adu": 65535.0,
            "site_longitude_deg": pytest.approx(-96.4533333),
            "readout_mode": "Monochrome",
            "taken_at": "2018-08-23T08:49:30.000",
        },
    ),
    "LCO": (
        LCO,
        {
            "kind": "flat",
            "program": None,
            "sensor_c": -100.0,
            "set_c": -100.0,
            "egain_e_per_adu": 1.0,
            "gain_setting": None,
            "binning": (1, 1),
            "readout_mode": "full_frame",
            "filter": "rp",
            "saturation_adu": 128000.0,
            "overscan_section": None,
            "trim_section": "[1:4096,1:4096]",
            "target": None,
        },
    ),
    "INDI": (
        INDI,
        {
            "kind": "flat",
            "program": "INDI",
            "gain_setting": 5.0,
            "egain_e_per_adu": None,
            "saturation_adu": None,
            "row_order": "TOP-DOWN",
            "filter": "OIII",
            "site_longitude_deg": -1.033,
        },
    ),
    "TheSkyX without OBSGEO-L": (
        {"SWCREATE": "TheSkyX Version 10.5.0", "SITELONG": "+75 42 00.00"},
        {"site_longitude_deg": -75.7},
    ),
    "PixInsight over INDI": ({**INDI, "PROGRAM": "PixInsight 1.8.9"}, {"program": "PixInsight", "row_order": None}),
    "an unknown program": ({"SWCREATE": "MyCam 3", "GAIN": 100}, {"program": "MyCam 3", "gain_setting": 100.0}),
}


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, case in DIALECTS.items() for field in case[1]])
def test_each_program_is_understood(name: str, field: str) -> None:
    """What a program writes gives the field that it means, and the field says where it came from."""
    cards, expected = DIALECTS[name]
    frame = described(cards)
    assert value(frame, field) == expected[field]
    assert (field in frame.known_from) == (expected[field] is not None)


def test_ekos_names_the_dark_flat_in_the_file_only() -> None:
    """Where the header says dark and the name says dark flat, the keyword decides and the name is kept."""
    frame = described({"FRAME": "Dark"}, path="/data/x/M31_DarkFlat_0.5_secs_001.fits")
    assert (frame.kind, frame.kind_by_name) == ("dark", "dark_flat")
    assert frame.known_from["kind_by_name"] == "file name"


@pytest.mark.parametrize(
    ("path", "kind", "source"),
    [
        ("/data/flats/dark_001.fit", "dark", "file name"),
        ("/data/flats/Ha/night1/0001.fit", "flat", "folder"),
        ("/data/flats/a/b/c/0001.fit", None, None),
        ("/data/darks/flats/0001.fit", "flat", "folder"),
        ("C:\\astro\\Flats\\0001.fit.gz", "flat", "folder"),
        ("/flats/inflate.fit", "flat", "folder"),
        ("0001.fit", None, None),
    ],
)
def test_without_a_keyword_names_decide(path: str, kind: str | None, source: str | None) -> None:
    """The file's name goes before its nearest folder, and folders count up to three levels."""
    frame = described({}, path=path)
    assert (frame.kind, frame.kind_by_name, frame.known_from.get("kind")) == (kind, kind, source)


def test_an_unknown_kind_word_is_not_overruled_by_a_name() -> None:
    """A header that says ARC is no flat because its folder is called so; the problem quotes the word."""
    frame = described({"IMAGETYP": "ARC"}, path="/data/flats/0001.fit")
    assert (frame.kind, frame.kind_by_name) == (None, "flat")
    assert any("IMAGETYP 'ARC'" in problem for problem in frame.problems)


@pytest.mark.parametrize(
    ("number", "kind"), [(1, "light"), (2, "bias"), (3, "dark"), (4, "flat"), (0, None), (17, None)]
)
def test_picture_types_are_numbers(number: int, kind: str | None) -> None:
    """PICTTYPE counts light, bias, dark, flat from 1; 0 is unknown."""
    assert described({"PICTTYPE": number}).kind == kind


ROWS: list[tuple[dict[str, CardValue], dict[str, Any]]] = [
    *[({key: 12.5}, {"exposure_s": 12.5}) for key in ("EXPTIME", "EXPOSURE", "EXPOSED", "ELAPSED")],
    ({"EXPTIME": "30.0 s"}, {"exposure_s": 30.0}),
    ({"EXPTIME": "2,5"}, {"exposure_s": 2.5}),
    ({"EXPTIME": "1.2D2"}, {"exposure_s": 120.0}),
    *[
        ({key: -10.5}, {"sensor_c": -10.5})
        for key in ("CCD-TEMP", "TEMPERAT", "CCDATEMP", "CCD_TEMP", "CCDTEMP", "CAMTCCD")
    ],
    ({"CAMTEMP": "11 C"}, {"sensor_c": 11.0}),
    ({"CAMTEMP": 271.0}, {"sensor_c": -2.15}),
    ({"CAMTEMP": -1, "CREATOR": "MicroObservatory2014"}, {"sensor_c": None}),
    (
        {},
        {
            "sensor_c": None,
            "exposure_s": None,
            "gain_setting": None,
            "filter": None,
            "taken_at": None,
            "binning": None,
            "cfa": None,
        },
    ),
    *[({key: -10}, {"set_c": -10.0}) for key in ("SET-TEMP", "SETTEMP", "CCDSTEMP")],
    ({"GAIN": 100}, {"gain_setting": 100.0, "egain_e_per_adu": None}),
    ({"GAIN": 1.9}, {"gain_setting": None, "egain_e_per_adu": 1.9}),
    ({"GAIN": 1.9, "SWCREATE": "N.I.N.A. 3"}, {"gain_setting": 1.9, "egain_e_per_adu": None}),
    ({"GAIN": 2, "RDNOISE": 5.0}, {"gain_setting": None, "egain_e_per_adu": 2.0}),
    ({"GAIN": "2.1 e-/ADU"}, {"gain_setting": None, "egain_e_per_adu": 2.1}),
    ({"ISO": 800}, {"gain_setting": 800.0}),
    ({"ISOSPEED": "ISO 1600"}, {"gain_setting": 1600.0}),
    *[({key: 0.8}, {"egain_e_per_adu": 0.8}) for key in ("EGAIN", "E-GAIN", "CVF")],
    *[({key: 30}, {"offset_setting": 30.0}) for key in ("OFFSET", "BLKLEVEL")],
    *[
        ({x: 2, y: 3}, {"binning": (2, 3)})
        for x, y in (("XBINNING", "YBINNING"), ("CCDXBIN", "CCDYBIN"), ("BINX", "BINY"))
    ],
    *[({"BINNING": text}, {"binning": (2, 2)}) for text in ("2x2", "2", 2, "2 2", "2X2", "2,2")],
    ({"CCDSUM": "1 1"}, {"binning": (1, 1)}),
    ({"XBINNING": 4.0, "YBINNING": 4.0}, {"binning": (4, 4)}),
    *[({key: "H-alpha"}, {"filter": "Ha"}) for key in ("FILTER", "FILT-1", "INSFLNAM")],
    ({"FILTER1": "V", "FILTER2": "ND1"}, {"filter": "V+ND1"}),
    ({"FILTER1": "air", "FILTER2": "H_alpha"}, {"filter": "Ha"}),
    ({"FILTER": "RGGB"}, {"filter": None, "cfa": "RGGB"}),
    ({"FILTER": 3}, {"filter": "3"}),
    ({"BAYERPAT": "RGGB", "XBAYROFF": 1, "YBAYROFF": 0}, {"cfa": "GRBG"}),
    ({"BAYERPAT": "RGGB", "XBAYROFF": 1, "YBAYROFF": 1}, {"cfa": "BGGR"}),
    ({"BAYERPAT": "RGGB", "ROWORDER": "BOTTOM-UP"}, {"cfa": "GBRG", "row_order": "BOTTOM-UP"}),
    ({"BAYERPAT": "RGGB", "ROWORDER": "TOP-DOWN"}, {"cfa": "RGGB", "row_order": "TOP-DOWN"}),
    ({"COLORTYP": "BGGR"}, {"cfa": "BGGR"}),
    ({"BAYERPAT": "NONE"}, {"cfa": None}),
    ({"BAYERPAT": "INVALID"}, {"cfa": None}),
    ({"COLORCCD": 0}, {"cfa": "MONO"}),
    ({"COLORCCD": 1}, {"cfa": None}),
    ({"COLORTYP": "MONO"}, {"cfa": "MONO"}),
    *[({key: "Mode 1"}, {"readout_mode": "Mode 1"}) for key in ("READOUTM", "CONFMODE")],
    ({"READOUTM": "N/A"}, {"readout_mode": None}),
    *[({key: "Cam  A"}, {"camera": "Cam A"}) for key in ("INSTRUME", "CAMERAID", "CAMERA", "DETECTOR")],
    ({"INSTRUME": "   ", "CAMERA": "B"}, {"camera": "B"}),
    ({"INSTRUME": "QSI 583ws SN 00504742  HW 06.00.00 FW 05.02.05 PI 7"}, {"camera": "QSI 583ws"}),
    ({"XORGSUBF": 16, "YORGSUBF": 8}, {"origin": (16, 8)}),
    ({"TELESCOP": "RC8", "FOCALLEN": 0.0}, {"telescope": "RC8", "focal_length_mm": None}),
    *[({key: 361.5}, {"rotator_deg": 1.5}) for key in ("ROTATANG", "ROTATOR")],
    ({"PIERSIDE": "pierEast"}, {"pier_side": "east"}),
    ({"DATE-OBS": "2015-06-04", "TIME-OBS": "08:54:33"}, {"taken_at": "2015-06-04T08:54:33.000"}),
    ({"DATE-OBS": "2013-07-13", "UT": "00:57:33"}, {"taken_at": "2013-07-13T00:57:33.000"}),
    ({"DATE-OBS": "04/06/15", "UT": "08:54:33"}, {"taken_at": "2015-06-04T08:54:33.000"}),
    ({"MJD-OBS": 58107.081}, {"taken_at": "2017-12-20T01:56:38.400"}),
    ({"DATE-LOC": "2024-03-14T23:48:01"}, {"local_at": "2024-03-14T23:48:01.000", "taken_at": None}),
    ({"LOCALTIM": "2020-04-17 03:38:32.770 PM DST"}, {"local_at": "2020-04-17T15:38:32.770"}),
    ({"SITELONG": "+75 42 00.00", "OBSGEO-L": -75.7}, {"site_longitude_deg": -75.7}),
    ({"LONG-OBS": 350.0}, {"site_longitude_deg": -10.0}),
    ({"PEDESTAL": 500}, {"pedestal_adu": 500.0}),
    ({"PEDESTAL": -500}, {"pedestal_adu": 500.0}),
    ({"PEDESTAL": 100, "SWCREATE": "MaxIm DL 6"}, {"pedestal_adu": -100.0}),
    ({"PEDESTAL": 100, "SWCREATE": "MaxIm DL 6", "PROGRAM": "PixInsight 1.8"}, {"pedestal_adu": 100.0}),
    (
        {"BIASSEC": "[  4: 13, 1:520]", "TRIMSEC": "[17:528,1:520]"},
        {"overscan_section": "[4:13,1:520]", "trim_section": "[17:528,1:520]"},
    ),
    ({"DATASEC": "[1:100,1:50]"}, {"trim_section": "[1:100,1:50]", "overscan_section": None}),
    ({"BIASSEC": "[0:0,0:0]"}, {"overscan_section": None}),
    *[({"BUNIT": text}, {"number_domain": "adu"}) for text in ("adu", "ADU", "counts", "DN")],
    *[({"BUNIT": text}, {"number_domain": "electron"}) for text in ("electron", "electrons", "e-")],
    ({"BUNIT": "relative"}, {"number_domain": "unit"}),
    *[({key: 100}, {"focus_position": 100.0}) for key in ("FOCPOS", "FOCUSPOS")],
    ({"SATURATE": 60000}, {"saturation_adu": 60000.0}),
    ({"DATAMAX": 4095}, {"saturation_adu": 4095.0}),
    ({"DATAMAX": 65520}, {"saturation_adu": 65520.0}),
    ({"DATAMAX": 57832.0}, {"saturation_adu": None}),
    ({"DATAMIN": 1, "DATAMAX": 65535}, {"saturation_adu": None}),
    *[({key: 20}, {"n_combined": 20, "is_master": True}) for key in ("NCOMBINE", "STACKCNT")],
    ({"NCOMBINE": 1}, {"n_combined": 1, "is_master": False}),
    ({"IMAGETYP": "Master Flat"}, {"kind": "flat", "is_master": True}),
    ({"IMAGETYP": "Master Dark Flat"}, {"kind": "dark_flat", "is_master": True}),
    (
        {"COMMENT": "Master Bias Sigma Clipped (threshold 2.0) Mean combined", "IMAGETYP": "Bias Frame"},
        {"is_master": True},
    ),
    ({"EVFBIAS": True, "EVFDGST": "xxh3:12"}, {"contains_bias": True, "product_digest": "xxh3:12"}),
    ({"EVFBIAS": False}, {"contains_bias": False}),
    ({"OBJECT": "Unknown"}, {"target": None}),
]


@pytest.mark.parametrize(
    ("cards", "expected"), ROWS, ids=lambda case: ",".join(f"{k}={v}" for k, v in case.items())[:60]
)
def test_every_row_of_the_keyword_table(cards: dict[str, CardValue], expected: dict[str, Any]) -> None:
    """Each keyword gives its field, and the field names the keyword it came from."""
    frame = described(cards)
    assert {field: value(frame, field) for field in expected} == expected
    for field, wanted in expected.items():
        if wanted is None:
            assert field not in frame.known_from
        elif wanted is not False:
            assert frame.known_from[field]


@pytest.mark.parametrize(
    ("sample", "bunit", "domain"),
    [
        ("uint16", None, "adu"),
        ("float32", None, None),
        ("float32", "adu", "adu"),
        ("uint16", "electron", "electron"),
        ("float64", "Jy", None),
    ],
)
def test_floats_without_a_unit_are_of_unknown_domain(sample: str, bunit: str | None, domain: str | None) -> None:
    """Integers are ADU unless BUNIT says otherwise; floats are what BUNIT says or unknown."""
    assert described({"BUNIT": bunit}, sample=sample).setup.number_domain == domain


def test_the_clock_corrects_a_longitude_of_the_wrong_sign() -> None:
    """A longitude counted westwards is turned where local time fits only then."""
    cards: dict[str, CardValue] = {"LONGITUD": 110.88, "DATE-OBS": "2017-12-19T18:57:13.000-0700"}
    assert described(cards).site_longitude_deg == -110.88
    assert described({**cards, "LONGITUD": -110.88}).site_longitude_deg == -110.88


def test_odd_heights_keep_the_pattern_of_a_bottom_up_file() -> None:
    """With 101 rows the first stored row of a BOTTOM-UP file has the colours of the top row."""
    cards: dict[str, CardValue] = {"BAYERPAT": "RGGB", "ROWORDER": "BOTTOM-UP"}
    assert described(cards, shape=(101, 200)).setup.cfa == "RGGB"
    assert described({**cards, "YBAYROFF": 1}, shape=(101, 200)).setup.cfa == "GBRG"


PRODUCTS: list[tuple[dict[str, CardValue], dict[str, Any]]] = [
    ({"IMAGETYP": "LIGHT"}, {"path": "/d/M31_0001_c.fits"}),
    ({"IMAGETYP": "LIGHT"}, {"path": "/d/M31_0001_c_cc_r.xisf"}),
    ({"IMAGETYP": "LIGHT", "FILTER": "Ha"}, {"path": "/d/M31_r.fits"}),
    ({"IMAGETYP": "LIGHT"}, {"path": "/d/M31_cal.fits"}),
    ({"IMAGETYP": "LIGHT"}, {"path": "/d/r_pp_light_0001.fits"}),
    ({"IMAGETYP": "LIGHT"}, {"history": ("PCL:ImageCalibration",)}),
    ({"IMAGETYP": "LIGHT"}, {"history": ("Flat corrected with mflat.fits",)}),
    ({"IMAGETYP": "LIGHT", "CALSTAT": "BDF"}, {}),
    ({"IMAGETYP": "LIGHT", "RLEVEL": 91}, {}),
    ({"IMAGETYP": "LIGHT", "FLATCOR": "Jan 3 corrected with flat"}, {}),
    ({"IMAGETYP": "LIGHT", "NCOMBINE": 12}, {}),
    ({"IMAGETYP": "LIGHT", "EVFDGST": "xxh3:1"}, {}),
    ({"FRAME": "Other/Processed"}, {"path": "/d/flats/flat_1.fits"}),
    ({"IMAGETYP": "FLAT"}, {"history": ("PCL:ImageCalibration",)}),
]
RAW: list[tuple[dict[str, CardValue], dict[str, Any]]] = [
    ({"IMAGETYP": "LIGHT", "FILTER": "r"}, {"path": "/d/M31_r.fits"}),
    ({"IMAGETYP": "LIGHT"}, {"path": "/d/M31_r.fits"}),
    ({"IMAGETYP": "LIGHT", "FILTER": "Clear"}, {"path": "/d/V1234_c.fits"}),
    ({"IMAGETYP": "FLAT"}, {"path": "/d/flat_c.fits"}),
    ({"IMAGETYP": "Master Flat", "NCOMBINE": 20}, {"history": ("PCL:ImageIntegration.numberOfImages: 20",)}),
    ({"IMAGETYP": "FLAT"}, {"history": ("ImageIntegration.numberOfImages: 20",)}),
    ({"IMAGETYP": "LIGHT", "CALSTAT": ""}, {}),
    ({"IMAGETYP": "LIGHT", "RLEVEL": 0}, {"history": ("WCS created by astrometry.net",)}),
]


@pytest.mark.parametrize(("cards", "layout"), PRODUCTS)
def test_products_of_other_programs_are_marked(cards: dict[str, CardValue], layout: dict[str, Any]) -> None:
    """What a program calibrated, registered or integrated gets a problem that begins with "processed: "."""
    assert [problem[:11] for problem in described(cards, **layout).problems] == ["processed: "]


@pytest.mark.parametrize(("cards", "layout"), RAW)
def test_raw_frames_and_masters_are_not_marked(cards: dict[str, CardValue], layout: dict[str, Any]) -> None:
    """A one-letter ending that is the filter, and masters of other programs, are no products to leave out."""
    assert described(cards, **layout).problems == ()


def test_integrations_of_other_programs_count_their_frames() -> None:
    """A PixInsight history tells that a flat is a master of so many frames."""
    frame = described({"IMAGETYP": "FLAT"}, history=("ImageIntegration.numberOfImages: 20",))
    assert (frame.is_master, frame.n_combined) == (True, 20)


def test_identity_is_passed_on() -> None:
    """Path, size, time, hash, sample and the reader's remarks arrive unchanged."""
    raw = RawHeader(
        path="/a/b.fits",
        cards=(),
        shape=(3, 4),
        sample="int16",
        size_bytes=11,
        mtime_ns=22,
        header_hash="h",
        remarks=("Two cards are called GAIN.",),
    )
    frame = describe_frame(raw)
    assert (frame.path, frame.size_bytes, frame.mtime_ns, frame.header_hash) == ("/a/b.fits", 11, 22, "h")
    assert (frame.sample, frame.setup.shape, frame.problems) == ("int16", (3, 4), ("Two cards are called GAIN.",))


def test_the_first_of_equal_keywords_counts() -> None:
    """A repeated keyword does not replace the first one."""
    raw = RawHeader(
        path="/a/b.fits",
        cards=(("GAIN", 100), ("GAIN", 200)),
        shape=(3, 4),
        sample="uint16",
        size_bytes=1,
        mtime_ns=1,
        header_hash="",
    )
    assert describe_frame(raw).setup.gain_setting == 100.0
