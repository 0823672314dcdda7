"""Compress frames row by row as fpack does, or decompress them with all cores and forget the pixels.

Usage: python benchmarks/pack.py pack RICE_1 FOLDER FILE...
       python benchmarks/pack.py unpack PROCESSES FILE...
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path

from astropy.io import fits


def pack(path: str, kind: str, folder: str) -> None:
    """Write the compressed copy of one file."""
    with fits.open(path, do_not_scale_image_data=False) as file:
        hdu = fits.CompImageHDU(file[0].data, file[0].header, compression_type=kind, tile_shape=(1, file[0].shape[1]))
        hdu.writeto(Path(folder) / f"{os.path.basename(path)}.fz")


def unpack(path: str) -> int:
    """Decompress one file; its samples as they are stored."""
    with fits.open(path, do_not_scale_image_data=True, memmap=False) as file:
        return int(file[1].data.size)


def main() -> None:
    """Pack or unpack."""
    if sys.argv[1] == "pack":
        with multiprocessing.Pool() as pool:
            pool.starmap(pack, [(path, sys.argv[2], sys.argv[3]) for path in sys.argv[4:]])
    else:
        with multiprocessing.Pool(int(sys.argv[2])) as pool:
            pool.map(unpack, sys.argv[3:], chunksize=1)


if __name__ == "__main__":
    main()
