"""The real files, odd ones included, against astropy."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import rawpy
import xxhash
from astropy.io import fits

from evenfield.errors import ReadError
from evenfield.model.pixels import Tile
from evenfield.read import list_files, open_source, read_header

SETS = [
    "als-osc-lights", "ast443-cgs-bigccd", "exotic-hatp32", "fits-odd", "kstars-tests", "mistergranti-m13",
    "msdp-solar", "msumastro-headers", "panoptes-dslr", "raw-dslr", "rmcd-darks",
]  # fmt: skip
READABLE = {
    "als-osc-lights": 6, "exotic-hatp32": 9, "fits-odd": 31, "kstars-tests": 5, "mistergranti-m13": 3, "msdp-solar": 13,
    "msumastro-headers": 22, "panoptes-dslr": 6, "raw-dslr": 1, "rmcd-darks": 18,
}  # fmt: skip


def by_astropy(path: str) -> np.ndarray:
    """The first 2-D image as astropy reads it, or LibRaw what a camera wrote, as float32."""
    if path.endswith(".CR2"):
        with rawpy.imread(path) as raw:
            return raw.raw_image_visible.astype(np.float32)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        scaled = os.path.basename(path) == "scale.fits"
        with fits.open(path, memmap=False, do_not_scale_image_data=scaled) as hdus:
            hdu = next(
                hdu for hdu in hdus if isinstance(hdu, fits.PrimaryHDU | fits.ImageHDU | fits.CompImageHDU)
                and hdu.header["NAXIS"] >= 2 and hdu.data is not None
            )  # fmt: skip
            data = hdu.data
            if scaled:  # astropy scales in float32; the formula in float64 is the truth.
                data = data.astype(np.float64) * hdu.header["BSCALE"] + hdu.header["BZERO"]
            return data.reshape(data.shape[-2:]).astype(np.float32)


@pytest.mark.parametrize("name", SETS)
def test_every_file_reads_as_astropy_reads_it_or_is_refused(real_data: Path, name: str) -> None:
    """Pixels, hash and header of every readable file are right; every other is refused with a reason and a mend."""
    read, mends = 0, []
    paths = [path for path in sorted((real_data / name).rglob("*")) if path.is_file()]
    assert paths
    for path in map(str, paths):
        try:
            header = read_header(path)
            source = open_source(path)
        except ReadError as error:
            mends.append(error.mend)
            continue
        with source:
            assert source.header == header
            rows = source.shape[0]
            step = 1 + rows // 3
            bands = [source.read(Tile(start=at, stop=min(at + step, rows))) for at in range(0, rows, step)]
            assert np.array_equal(np.concatenate(bands), by_astropy(path), equal_nan=True), path
            assert source.content_hash() == "xxh3:" + xxhash.xxh3_128(Path(path).read_bytes()).hexdigest()
        read += 1
    assert all(mends)
    assert read == READABLE.get(name, len(paths))


def test_odd_files_are_refused_for_the_right_reason(real_data: Path) -> None:
    """Tables, groups, cubes, packed and raw files are refused under their codes."""
    codes: Counter[str] = Counter()
    for path in list_files([real_data / "fits-odd", real_data / "raw-dslr"]).files:
        try:
            read_header(path)
        except ReadError as error:
            codes[error.code] += 1
    assert codes == {"not_an_image": 28, "unsupported": 2, "format_not_read_yet": 3, "damaged": 4, "truncated": 2}
