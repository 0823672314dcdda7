"""How well two masters agree: the median of the absolute relative difference, each divided by its own mean.

Usage: python benchmarks/agreement.py MASTER OTHER
"""

from __future__ import annotations

import sys

import numpy as np
from astropy.io import fits


def main() -> None:
    """Print the number."""
    first, second = (np.asarray(fits.getdata(path), np.float32) for path in sys.argv[1:3])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (first / np.nanmean(first, dtype=np.float64)) / (second / np.nanmean(second, dtype=np.float64))
    print(f"{np.nanmedian(np.abs(ratio - 1)):.1e}")


if __name__ == "__main__":
    main()
