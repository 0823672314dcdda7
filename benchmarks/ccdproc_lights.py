"""Calibrate lights with ccdproc: the same master dark and master flat, float32 out.

Usage: python benchmarks/ccdproc_lights.py LIGHTS DARK FLAT OUT
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import ccdproc
import numpy as np
from astropy import units as u
from astropy.nddata import CCDData


def main() -> None:
    """Calibrate each light of the folder."""
    folder, dark_path, flat_path, out = map(Path, sys.argv[1:])
    warnings.simplefilter("ignore")
    dark = CCDData.read(dark_path, unit="adu")
    flat = CCDData.read(flat_path, unit="adu")
    for path in sorted(folder.glob("LIGHT_*.fits")):
        light = CCDData.read(path, unit="adu")
        less = ccdproc.subtract_dark(light, dark, exposure_time="EXPTIME", exposure_unit=u.second)
        done = ccdproc.flat_correct(less, flat)
        done.data = done.data.astype(np.float32)
        done.write(out / path.name, overwrite=True)


if __name__ == "__main__":
    main()
