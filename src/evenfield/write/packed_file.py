"""Tile-compressed FITS files (FITS Standard 4.0, section 10), without loss: gzip for floats, Rice for integers."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from evenfield.model.pixels import Image
from evenfield.write.atomic import new_file
from evenfield.write.card_text import Card, header_bytes
from evenfield.write.fits_file import check_fits_uint16, checked_pixels, content_cards


def write_packed(
    path: str | os.PathLike[str],
    *,
    image: Image | NDArray[Any],
    cards: Sequence[Card] = (),
    history: Sequence[str] = (),
    sample: Literal["float32", "uint16"] = "float32",
    overwrite: bool = False,
) -> str:
    """Write an image as a tile-compressed FITS file, one row a tile; arguments and errors as of `write_image`.

    Returns
    -------
    str
        The absolute path.
    """
    from astropy.io import fits

    where = os.path.abspath(path)
    pixels = checked_pixels(image, where)
    if sample == "uint16":
        check_fits_uint16(pixels, where)
        pixels = np.rint(pixels).astype(np.uint16) if pixels.dtype.kind == "f" else pixels.astype(np.uint16)
    else:
        pixels = pixels.astype(np.float32)
        # Every NaN gets the same bits.
        pixels[np.isnan(pixels)] = np.nan
    header = fits.Header.fromstring(header_bytes(content_cards(image, cards), history=history).decode("ascii"))
    maps = image.maps if isinstance(image, Image) else {}
    hdus = fits.HDUList([fits.PrimaryHDU(), _packed(pixels, header)])
    for name, values in maps.items():
        hdu = _packed(values.astype(np.uint16) if values.dtype.kind == "u" else values, None)
        hdu.name = name
        hdus.append(hdu)
    # astropy writes into files that it knows the mode of.
    packed = io.BytesIO()
    hdus.writeto(packed)
    with new_file(where, overwrite=overwrite) as file:
        file.write(packed.getbuffer())
    return where


def _packed(pixels: NDArray[Any], header: Any) -> Any:
    from astropy.io import fits

    kind = "RICE_1" if pixels.dtype.kind == "u" else "GZIP_2"
    # Without quantization floats are packed as they are.
    return fits.CompImageHDU(
        pixels, header=header, compression_type=kind, tile_shape=(1, pixels.shape[1]), quantize_level=0.0
    )
