"""Masters of real frames equal a plain float64 computation of the same definitions within 0.01 ADU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evenfield import (
    CalibrationSettings,
    CombineSettings,
    GroupSettings,
    Report,
    SelectSettings,
    read_provenance,
    rejection,
)

pytestmark = pytest.mark.real

FLATS_ARE_FLATS = SelectSettings(overrides=("flat*:kind=flat",))
CROP, CROP_SECTION = (slice(384, 640), slice(256, 512)), "[257:512,385:640]"
QUICK = ["none", "zscore", "extremes:2", "minmax"]
SLOW = ["sigma", "winsorized:3,3"]


@pytest.fixture
def ccd(real_data: Path) -> Path:
    """The STL-1001E set: flats that call themselves lights, 10 bias, 10 darks of 60 s, no dark of their 23 s."""
    return real_data / "ast443-cgs-bigccd"


@pytest.fixture
def solar(real_data: Path) -> Path:
    """The solar set: int16, five header cards, kinds known from folders alone."""
    return real_data / "msdp-solar"


def combining(reject: str, method: str = "mean") -> CombineSettings:
    """The same rejection for all masters of a run."""
    return CombineSettings(method=method, rejection=rejection(reject))  # type: ignore[arg-type]


def only(report: Report, kind: str) -> str:
    """The path of the one master of a kind."""
    (found,) = [one.outputs[0] for one in report.results if one.kind == kind]
    return found


def scaled_dark(plain: Any, ccd: Path, **how: Any) -> Any:
    """bias + 23/60 (dark - bias), from the masters as their files hold them."""
    bias = plain.dark(sorted(ccd.glob("biases-Neg5-*")), **how)
    dark = plain.dark([*ccd.glob("darks-expos1-Neg5-*"), *ccd.glob("darks-expos60s-Neg5-*")], **how)
    return bias + 23.0 / 60.0 * (dark - bias)


@pytest.mark.slow
@pytest.mark.parametrize(("reject", "method"), [*((reject, "mean") for reject in QUICK), ("none", "median")])
def test_ccd_full_frame(
    ccd: Path, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int], reject: str, method: str
) -> None:
    """Whole frames, a dark of 60 s scaled to 23 s with a bias: the rejections that one pass settles."""
    report = make(ccd, select=FLATS_ARE_FLATS, combine=combining(reject, method))
    subtract = scaled_dark(plain, ccd, reject=reject, method=method)
    wanted = plain.flat(sorted(ccd.glob("flat-*")), subtract=subtract, reject=reject, method=method)
    same_pixels(only(report, "flat"), wanted)


@pytest.mark.parametrize("method", ["mean", "median"])
@pytest.mark.parametrize("reject", QUICK + SLOW)
def test_ccd_crop(
    ccd: Path, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int], reject: str, method: str
) -> None:
    """A trimmed region of 256 x 256, every rejection, mean and median."""
    report = make(
        ccd, select=FLATS_ARE_FLATS, combine=combining(reject, method),
        calibration=CalibrationSettings(trim=CROP_SECTION),
    )  # fmt: skip
    subtract = scaled_dark(plain, ccd, reject=reject, method=method, trim=CROP)
    wanted = plain.flat(sorted(ccd.glob("flat-*")), subtract=subtract, reject=reject, method=method, trim=CROP)
    same_pixels(only(report, "flat"), wanted)


@pytest.mark.slow
def test_ccd_by_default(ccd: Path, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int]) -> None:
    """Whole frames with the defaults for 10 frames: zscore 3 for bias and dark, ccd 3/3 for the flats."""
    report = make(ccd, select=FLATS_ARE_FLATS, auto=True)
    measured = read_provenance(only(report, "flat")).measured
    noise = tuple(measured[name] for name in ("read_noise_adu", "bias_adu", "egain_e_per_adu"))
    wanted = plain.flat(sorted(ccd.glob("flat-*")), subtract=scaled_dark(plain, ccd, reject="zscore:3"), noise=noise)
    assert same_pixels(only(report, "flat"), wanted) <= 10


@pytest.mark.parametrize("how", ["bias", "pedestal", "none", "dark of 20 s", "ready masters", "overscan"])
def test_ccd_precalibrations(
    ccd: Path, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int], how: str
) -> None:
    """Every precalibration, on a crop, with minmax."""
    flats, trim = sorted(ccd.glob("flat-*")), CROP
    options: dict[str, Any] = {"trim": CROP_SECTION}
    overscan = None
    subtract: Any = 0.0
    if how == "bias":
        options["kinds"] = ("bias",)
        subtract = plain.dark(sorted(ccd.glob("biases-Neg5-*")), reject="minmax", trim=trim)
    elif how == "pedestal":
        options.update(mode="pedestal", pedestal_adu=111.5)
        subtract = 111.5
    elif how == "none":
        options["mode"] = "none"
    elif how == "dark of 20 s":
        options.update(kinds=("dark_flat",), allow_mismatch=("exposure:3.5",))
        subtract = plain.dark(sorted(ccd.glob("darks-expos20s-*")), reject="none", method="median", trim=trim)
    elif how == "ready masters":
        first = make(ccd, out="first", select=FLATS_ARE_FLATS, combine=combining("minmax"))
        ready = tuple(one.outputs[0] for one in first.results if one.kind in ("bias", "dark"))
        options.update(mode="files", files=ready)
        subtract = scaled_dark(plain, ccd, reject="minmax")[trim]
    else:
        options["overscan"] = "[1:16,*]"  # this camera has none: the arithmetic is the same on any columns
        overscan = (slice(None), slice(0, 16))
        subtract = scaled_dark(plain, ccd, reject="minmax", trim=trim, overscan=overscan)
    combine = CombineSettings(rejection=rejection("minmax"), dark_rejection=rejection("auto")) if "20" in how else None
    report = make(
        ccd, select=FLATS_ARE_FLATS, combine=combine or combining("minmax"), calibration=CalibrationSettings(**options)
    )
    wanted = plain.flat(flats, subtract=subtract, reject="minmax", trim=trim, overscan=overscan)
    same_pixels(only(report, "flat"), wanted)


@pytest.mark.parametrize("group", [{}, {"no_grouping": True}, {"join": ("night",)}, {"split": ("temperature",)},
                                   {"by": ("exposure", "rotator")}])  # fmt: skip
def test_ccd_groupings(
    ccd: Path, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int], group: dict[str, Any]
) -> None:
    """These flats are one group by every key; none of them changes a pixel."""
    report = make(
        ccd, select=FLATS_ARE_FLATS, combine=combining("zscore"), group=GroupSettings(**group),
        calibration=CalibrationSettings(trim=CROP_SECTION),
    )  # fmt: skip
    subtract = scaled_dark(plain, ccd, reject="zscore", trim=CROP)
    wanted = plain.flat(sorted(ccd.glob("flat-*")), subtract=subtract, reject="zscore", trim=CROP)
    same_pixels(only(report, "flat"), wanted)


@pytest.mark.parametrize("reject", ["none", "zscore:1.5", "extremes:1", "minmax", "sigma:1.5,1.5", "winsorized:2,2"])
def test_solar(
    solar: Path, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int], reject: str
) -> None:
    """Signed 16-bit frames without headers: darks of unknown exposure are subtracted as dark flats."""
    crop, section = (slice(300, 700), slice(400, 700)), "[401:700,301:700]"
    report = make(solar, combine=combining(reject), calibration=CalibrationSettings(trim=section))
    dark = plain.dark(sorted((solar / "Darks").iterdir()), reject=reject, trim=crop)
    flats = sorted((solar / "Flats").iterdir())
    wanted = plain.flat(flats, subtract=dark, reject=reject, full_scale=32767.0, trim=crop)
    same_pixels(only(report, "flat"), wanted)
    assert np.isfinite(wanted).all()


@pytest.mark.slow
@pytest.mark.parametrize("method", ["mean", "median"])
def test_solar_full_frame(
    solar: Path, plain: Any, make: Callable[..., Report], same_pixels: Callable[..., int], method: str
) -> None:
    """The whole solar frames, its border without signal included."""
    report = make(solar, combine=combining("none", method))
    dark = plain.dark(sorted((solar / "Darks").iterdir()), reject="none", method=method)
    flats = sorted((solar / "Flats").iterdir())
    wanted = plain.flat(flats, subtract=dark, reject="none", method=method, full_scale=32767.0)
    same_pixels(only(report, "flat"), wanted)
