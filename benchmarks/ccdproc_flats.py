"""A master flat as users of ccdproc make it; a program of its own, so that it can be timed.

Usage: python benchmarks/ccdproc_flats.py FOLDER MASTER

ccdproc knows no winsorized rejection: it clips once at 3 standard deviations of the mean, its own default. The dark
flats are combined by ccdproc and subtracted from each flat; the flats are scaled by their mean while they are combined.
"""

from __future__ import annotations

import sys
from pathlib import Path

import ccdproc
import numpy as np
from astropy import units
from astropy.nddata import CCDData

MEMORY = 4e9
CLIP = {"method": "average", "sigma_clip": True, "sigma_clip_low_thresh": 3, "sigma_clip_high_thresh": 3}


def inverse_mean(pixels: np.ndarray) -> float:
    """The factor that brings a frame to the mean 1."""
    return 1.0 / float(np.mean(pixels))


def main() -> None:
    """Make the master."""
    folder, master = Path(sys.argv[1]), Path(sys.argv[2])
    darks = [str(path) for path in sorted(folder.glob("DARKFLAT_*.fits"))]
    dark = ccdproc.combine(darks, unit="adu", mem_limit=MEMORY, dtype=np.float32, **CLIP)
    flats = []
    for path in sorted(folder.glob("FLAT_*.fits")):
        flat = CCDData.read(path, unit="adu")
        flat.data = flat.data.astype(np.float32)
        flats.append(ccdproc.subtract_dark(flat, dark, exposure_time="EXPTIME", exposure_unit=units.s))
    combined = ccdproc.combine(flats, scale=inverse_mean, mem_limit=MEMORY, dtype=np.float32, **CLIP)
    combined.write(master, overwrite=True, hdu_mask=None, hdu_uncertainty=None)


if __name__ == "__main__":
    main()
