"""The two examples of the CCD data reduction guide, on simulated cameras like its own: ``python docs/ccd_guide.py``.

A camera whose overscan follows its bias, with darks of the flats' exposures (like the guide's Large Format Camera), and
one whose overscan is trimmed only, with bias and one long dark that is scaled (like its Apogee). Each is reduced by
evenfield and, step by step, by ccdproc; the numbers of both are printed as they stand in ccd-guide.md.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import ccdproc
import numpy as np
from astropy import units
from astropy.io import fits
from astropy.nddata import CCDData

from evenfield import CalibrationSettings, CombineSettings, Settings, make_plan, rejection, run_plan, survey_folders
from evenfield.model.frame import FrameKind
from evenfield.simulate import Camera, ccd_with_overscan, expose

ROWS, COLUMNS, OVERSCAN = 200, 256, 32
KEPT, SCANNED = f"[1:{COLUMNS},*]", f"[{COLUMNS + 1}:{COLUMNS + OVERSCAN},*]"


@dataclasses.dataclass(frozen=True)
class Example:
    """One example: its camera, how evenfield is told to reduce it, and its sets (kind, exposures, filter)."""

    name: str
    camera: Camera
    calibration: CalibrationSettings
    sets: Sequence[tuple[str, Sequence[float], str | None]]
    level_adu: float


def examples() -> tuple[Example, Example]:
    """The two examples."""
    base = dataclasses.replace(ccd_with_overscan().camera, shape=(ROWS, COLUMNS), overscan_columns=OVERSCAN)
    large = dataclasses.replace(base, name="Like the LFC", bias_adu=1000.0, cosmic_rays_per_s=0.0)
    apogee = dataclasses.replace(
        base, name="Like the Apogee", bias_adu=1200.0, bias_drift_adu=0.0, dark_e_per_s=0.4, cosmic_rays_per_s=0.0
    )
    return (
        Example(
            name="overscan used, darks unscaled",
            camera=large,
            calibration=CalibrationSettings(overscan=SCANNED, trim=KEPT, dark_scale="none"),
            sets=(
                ("DARK", [7.0] * 5, None),
                ("DARK", [70.0] * 5, None),
                ("DARK", [300.0] * 5, None),
                ("FLAT", [7.0] * 5, "g"),
                ("FLAT", [70.001, 70.011] * 3, "i"),
            ),
            level_adu=18000.0,
        ),
        Example(
            name="overscan trimmed, darks scaled",
            camera=apogee,
            calibration=CalibrationSettings(trim=KEPT, dark_scale="exposure"),
            sets=(
                ("BIAS", [0.0] * 15, None),
                ("DARK", [90.0] * 7, None),
                ("FLAT", [1.0, 1.02, 1.06, 1.11, 1.21], "V"),
            ),
            level_adu=25000.0,
        ),
    )


def write_frames(example: Example, folder: Path) -> None:
    """Simulate the frames of an example."""
    rng = np.random.default_rng(12)
    y, x = np.mgrid[:ROWS, :COLUMNS]
    light = 1 - 0.3 * ((x - COLUMNS / 2) ** 2 + (y - ROWS / 2) ** 2) / (COLUMNS**2 / 4 + ROWS**2 / 4)
    count = 0
    for kind, exposures, filter_name in example.sets:
        for seconds in exposures:
            flux = light * example.level_adu * example.camera.egain_e_per_adu / seconds if kind == "FLAT" else None
            pixels = expose(
                example.camera,
                kind=FrameKind(kind.lower()),
                exposure_s=seconds,
                sensor_c=-20.0,
                light_e_per_s=flux,
                rng=rng,
            )
            hdu = fits.PrimaryHDU(pixels)
            hdu.header.update({"IMAGETYP": kind, "EXPTIME": seconds, "CCD-TEMP": -20.0, "INSTRUME": example.camera.name,
                               "DATE-OBS": f"2026-03-14T{count // 60 + 3:02d}:{count % 60:02d}:00"})  # fmt: skip
            if filter_name:
                hdu.header["FILTER"] = filter_name
            hdu.writeto(folder / f"{kind}_{count:03d}.fits")
            count += 1


def by_evenfield(example: Example, folder: Path, output: Path) -> dict[str, np.ndarray]:
    """Master flats by filter, and the bias and dark flats behind them by name."""
    combine = CombineSettings(rejection=rejection("none"), dark_rejection=rejection("none"))
    settings = Settings(calibration=example.calibration, combine=combine)
    plan = make_plan(survey_folders([folder], settings=settings), output=str(output), settings=settings)
    report = run_plan(plan)
    if report.exit_code:
        raise SystemExit(f"{example.name}: {report.findings}")
    return {Path(path).stem: fits.getdata(path).astype(np.float64) for one in report.results for path in one.outputs}


def by_ccdproc(example: Example, folder: Path) -> dict[str, np.ndarray]:
    """The same as the guide does it: overscan or trim, bias, darks, flats scaled by their means and averaged."""
    frames: dict[tuple[str, float], list[CCDData]] = {}
    for path in sorted(folder.glob("*.fits")):
        ccd = CCDData.read(path, unit="adu")
        if example.calibration.overscan:
            # One number for a frame, as evenfield takes it; the guide takes the median of each row.
            ccd = ccd.subtract(np.median(ccd.data[:, COLUMNS:]) * units.adu, handle_meta="first_found")
        ccd = ccdproc.trim_image(ccd[:, :COLUMNS])
        frames.setdefault((ccd.header["IMAGETYP"], ccd.header["EXPTIME"]), []).append(ccd)
    masters = {key: ccdproc.combine(some, method="average") for key, some in frames.items() if key[0] != "FLAT"}
    bias = masters.get(("BIAS", 0.0))
    flats: dict[str, list[CCDData]] = {}
    for (kind, seconds), some in frames.items():
        for ccd in some if kind == "FLAT" else ():
            if bias is None:
                dark = min((key for key in masters if key[0] == "DARK"), key=lambda key: abs(key[1] - seconds))
                made = ccdproc.subtract_bias(ccd, masters[dark])
            else:
                made = ccdproc.subtract_dark(
                    ccdproc.subtract_bias(ccd, bias),
                    ccdproc.subtract_bias(masters["DARK", 90.0], bias),
                    dark_exposure=90.0 * units.s,
                    data_exposure=seconds * units.s,
                    scale=True,
                )
            flats.setdefault(ccd.header["FILTER"], []).append(made)
    return {
        name: ccdproc.combine(
            some, method="average", scale=[np.mean([one.data.mean() for one in some]) / one.data.mean() for one in some]
        ).data
        for name, some in flats.items()
    }


def table(example: Example) -> list[str]:
    """The numbers of an example, evenfield's and ccdproc's side by side."""
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(scratch) / "night"
        folder.mkdir()
        write_frames(example, folder)
        ours, theirs = by_evenfield(example, folder, Path(scratch) / "out"), by_ccdproc(example, folder)
    lines = [f"| {example.name} | evenfield | ccdproc | greatest difference |", "|---|---:|---:|---:|"]
    for name, wanted in sorted(theirs.items()):
        (found,) = [pixels for stem, pixels in ours.items() if stem.startswith(f"master_flat_{name}_")]
        apart = np.abs(found / wanted * (wanted.mean() / found.mean()) - 1.0).max()
        lines.append(f"| flat {name}, mean ADU | {found.mean():.2f} | {wanted.mean():.2f} | {apart:.1e} |")
        corner, center = np.s_[:20, :20], np.s_[90:110, 118:138]
        lines.append(
            f"| flat {name}, corner over center | {found[corner].mean() / found[center].mean():.5f} "
            f"| {wanted[corner].mean() / wanted[center].mean():.5f} | |"
        )
    return lines


def main() -> int:
    """Print both tables."""
    print("\n\n".join("\n".join(table(example)) for example in examples()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
