"""Headers, and the files that have none to give."""

from __future__ import annotations

import bz2
import gzip
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xxhash
from astropy.io import fits

from evenfield.errors import DamagedFileError, EvenfieldError, NotAnImageError, ReadError, UnsupportedError
from evenfield.read import open_source, read_header, reason_of

PIXELS = np.arange(6000, dtype=np.uint16).reshape(60, 100)

TWICE = gzip.compress(gzip.compress(b"SIMPLE", mtime=0), mtime=0)
"""Packed twice; without the time, which would make each run's test another one."""


def save(path: Path, *hdus: fits.PrimaryHDU | fits.ImageHDU | fits.BinTableHDU) -> Path:
    fits.HDUList(list(hdus)).writeto(path)
    return path


def simple(path: Path, **cards: object) -> Path:
    hdu = fits.PrimaryHDU(PIXELS)
    hdu.header.update(cards)
    return save(path, hdu)


def refused(path: Path, kind: type[ReadError]) -> tuple[str, str]:
    """The (code, reason) with which both ways of opening refuse a file."""
    found = []
    for way in (read_header, open_source):
        with pytest.raises(kind) as caught:
            way(path)
        assert caught.value.mend
        assert str(path) in caught.value.message
        found.append((caught.value.code, reason_of(caught.value, str(path))))
    assert found[0] == found[1]
    return found[0]


def test_a_plain_header_is_read(tmp_path: Path) -> None:
    """Cards, shape, sample type, size, time and hash are those of the file."""
    path = simple(tmp_path / "a.fits", EXPTIME=1.5, FILTER="Ha ", CCDTEMP=-10)
    header = read_header(path)
    assert header.path == str(path)
    assert (header.shape, header.sample, header.remarks) == ((60, 100), "uint16", ())
    assert (header.get("EXPTIME"), header.get("FILTER"), header.get("CCDTEMP")) == (1.5, "Ha", -10)
    assert (header.size_bytes, header.mtime_ns) == (path.stat().st_size, path.stat().st_mtime_ns)
    assert header.header_hash == xxhash.xxh3_128(path.read_bytes()[:2880]).hexdigest()


@pytest.mark.parametrize(
    ("array", "sample"),
    [
        (PIXELS.astype(np.uint8), "uint8"),
        (PIXELS.astype(np.int16), "int16"),
        (PIXELS, "uint16"),
        (PIXELS.astype(np.int32), "int32"),
        (PIXELS.astype(np.uint32), "uint32"),
        (PIXELS.astype(np.float32), "float32"),
        (PIXELS.astype(np.float64), "float64"),
    ],
)
def test_the_sample_type_is_that_of_the_true_values(tmp_path: Path, array: np.ndarray, sample: str) -> None:
    """BZERO makes unsigned integers of signed ones."""
    assert read_header(save(tmp_path / "a.fits", fits.PrimaryHDU(array))).sample == sample


def test_an_image_in_an_extension_inherits_cards_but_no_scaling(tmp_path: Path) -> None:
    """The extension's own cards come first; the primary HDU adds what it does not repeat, but not how it is stored."""
    primary = fits.PrimaryHDU()
    primary.header.update({"OBJECT": "M31", "GAIN": 1, "BZERO": 32768, "BSCALE": 2})
    primary.header["HISTORY"] = "primary"
    extension = fits.ImageHDU(PIXELS.astype(np.int16))
    extension.header.update({"GAIN": 5})
    extension.header["HISTORY"] = "extension"
    header = read_header(save(tmp_path / "a.fits", primary, extension))
    assert (header.get("OBJECT"), header.get("GAIN"), header.sample) == ("M31", 5, "int16")
    assert "BZERO" not in header.as_dict()
    assert header.history == ("extension", "primary")


def test_a_third_axis_of_one_is_no_axis(tmp_path: Path) -> None:
    """One plane is an image, whatever the number of axes."""
    path = save(tmp_path / "a.fits", fits.PrimaryHDU(PIXELS[None, None]))
    assert read_header(path).shape == (60, 100)


def test_three_planes_are_refused(tmp_path: Path) -> None:
    """A debayered picture is refused with the reason "3 planes"; other numbers with theirs."""
    path = save(tmp_path / "rgb.fits", fits.PrimaryHDU(np.zeros((3, 4, 5), np.float32)))
    assert refused(path, UnsupportedError) == ("three_planes", "3 planes")
    path = save(tmp_path / "cube.fits", fits.PrimaryHDU(np.zeros((7, 4, 5), np.float32)))
    assert refused(path, UnsupportedError) == ("unsupported", "7 planes")


def test_files_without_an_image_are_refused(tmp_path: Path) -> None:
    """Tables, one axis, random groups and empty HDUs are no image, and the reason says what there is."""
    table = fits.BinTableHDU.from_columns([fits.Column("a", "J", array=np.arange(5))])
    path = save(tmp_path / "table.fits", fits.PrimaryHDU(), table)
    assert refused(path, NotAnImageError) == ("not_an_image", "no 2-D image in it, but a table")
    path = save(tmp_path / "line.fits", fits.PrimaryHDU(np.zeros(9)))
    assert refused(path, NotAnImageError)[1] == "no 2-D image in it, but a 1-D image"
    assert refused(save(tmp_path / "none.fits", fits.PrimaryHDU()), NotAnImageError)[1] == "no 2-D image in it"


def test_further_images_are_a_remark(tmp_path: Path) -> None:
    """The first image is used and the number of the others told; a table behind it is no matter."""
    table = fits.BinTableHDU.from_columns([fits.Column("a", "J", array=np.arange(5))])
    path = save(tmp_path / "a.fits", fits.PrimaryHDU(PIXELS), fits.ImageHDU(PIXELS), table, fits.ImageHDU(PIXELS))
    assert read_header(path).remarks == ("The file holds 2 more images; the first was used.",)
    assert read_header(save(tmp_path / "b.fits", fits.PrimaryHDU(PIXELS), table)).remarks == ()


def test_a_file_cut_short_is_told_from_its_header(tmp_path: Path) -> None:
    """The sizes there are and there should be are told before a pixel is read."""
    path = save(tmp_path / "big.fits", fits.PrimaryHDU(np.zeros((4000, 6500), np.uint16)))
    os.truncate(path, 31_200_000)
    assert refused(path, DamagedFileError) == ("truncated", "cut short: 31 of 52 MB")
    path = simple(tmp_path / "small.fits")
    os.truncate(path, 2880 + 11999)
    assert refused(path, DamagedFileError) == ("truncated", "cut short: 14879 of 14880 bytes")
    os.truncate(path, 2000)
    assert refused(path, DamagedFileError)[0] == "truncated"
    os.truncate(path, 0)
    assert refused(path, DamagedFileError) == ("empty", "empty")


def test_missing_padding_is_no_damage(tmp_path: Path) -> None:
    """All pixels are there though the last block is not full: a remark, not an error."""
    path = simple(tmp_path / "a.fits")
    os.truncate(path, 2880 + 12000)
    assert read_header(path).remarks == ("The last block of the file is not filled up.",)


def test_bytes_behind_the_image_are_a_remark(tmp_path: Path) -> None:
    """What follows the image and is no FITS does no harm."""
    path = simple(tmp_path / "a.fits")
    with path.open("ab") as file:
        file.write(b"junk" * 1000)
    assert read_header(path).remarks == ("4000 bytes behind the last readable HDU are no FITS; they were ignored.",)


def test_a_header_without_end_is_damaged(tmp_path: Path) -> None:
    """Where END is missing, the search stops at the pixels and says so."""
    path = simple(tmp_path / "a.fits")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"END" + b" " * 77, b"XXX" + b" " * 77, 1))
    assert refused(path, DamagedFileError) == ("damaged", "its header has no END card")


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("NAXIS1  =                  100", "NAXIS1  =                 -100", "-100"),
        ("NAXIS1  =                  100", "NAXISX  =                  100", "NAXIS1 is missing"),
        ("BITPIX  =                   16", "BITPIX  =                   17", "BITPIX is 17"),
        ("NAXIS   =                    2", "NAXIS   = 'two'               ", "NAXIS is two"),
    ],
)
def test_a_header_that_breaks_fits_is_damaged(tmp_path: Path, old: str, new: str, word: str) -> None:
    """An impossible layout is told by the card at fault."""
    path = simple(tmp_path / "a.fits")
    path.write_bytes(path.read_bytes().replace(old.encode(), new.encode(), 1))
    code, reason = refused(path, DamagedFileError)
    assert code == "damaged"
    assert word in reason


@pytest.mark.parametrize(
    ("name", "start", "kind", "code", "word"),
    [
        ("a.arw", b"no raw file at all", DamagedFileError, "damaged", "no Sony raw file inside"),
        ("a.tif", b"II*\0\x08\0\0\0", UnsupportedError, "format_not_read_yet", "TIFF"),
        ("a.ser", b"LUCAM-RECORDER", UnsupportedError, "format_not_read_yet", "SER"),
        ("a.fits.Z", b"\x1f\x9d\x90", UnsupportedError, "format_not_read_yet", "compress"),
        ("a.fits.bz2", bz2.compress(b"SIMPLE"), UnsupportedError, "format_not_read_yet", "bzip2"),
        ("a.fits", b"\xff\xd8\xff\xe0", NotAnImageError, "not_an_image", "JPEG"),
        ("a.fits", b"hello world", NotAnImageError, "not_an_image", "no FITS file"),
        ("a.fits", bytes(5760), NotAnImageError, "not_an_image", "only zero bytes"),
        ("a.fits", b"SIMPLE  =", DamagedFileError, "truncated", "inside its header"),
        ("a.fits.gz", b"\x1f\x8b\x09rubbish", DamagedFileError, "damaged", "gzip"),
        (
            "a.fits.gz",
            gzip.compress(gzip.compress(b"SIMPLE", mtime=0), mtime=0),
            UnsupportedError,
            "unsupported",
            "packed twice",
        ),
        ("a.fits.gz", gzip.compress(b"", mtime=0), DamagedFileError, "empty", "empty"),
        ("a.fits.gz", gzip.compress(b"hello", mtime=0), NotAnImageError, "not_an_image", "no FITS file"),
    ],
)
def test_other_files_are_named_for_what_they_are(
    tmp_path: Path, name: str, start: bytes, kind: type[ReadError], code: str, word: str
) -> None:
    """What is no FITS file is refused by its own name, from its first bytes and its suffix."""
    path = tmp_path / name
    path.write_bytes(start)
    found, reason = refused(path, kind)
    assert found == code
    assert word in reason


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    """A missing file, a folder and a pipe are refused; the pipe is not waited for."""
    assert refused(tmp_path / "none.fits", ReadError) == ("unreadable", "does not exist")
    assert refused(tmp_path, NotAnImageError)[1] == "a folder, not a file"
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        assert "pipe" in refused(tmp_path / "pipe", NotAnImageError)[1]


def test_a_compressed_header_shows_the_image_not_the_table(tmp_path: Path) -> None:
    """The cards of a tile-compressed image are those it had before it was compressed."""
    hdu = fits.CompImageHDU(PIXELS, compression_type="RICE_1")
    hdu.header["EXPTIME"] = 3.0
    header = read_header(save(tmp_path / "a.fits.fz", fits.PrimaryHDU(), hdu))
    assert (header.shape, header.sample, header.get("EXPTIME")) == ((60, 100), "uint16", 3.0)
    assert (header.get("BITPIX"), header.get("NAXIS1"), header.get("NAXIS2")) == (16, 100, 60)
    assert not [name for name, _ in header.cards if name.startswith(("TFORM", "ZIMAGE", "ZTILE", "PCOUNT"))]


def test_a_gzipped_header_is_that_of_the_plain_file(tmp_path: Path) -> None:
    """Packing changes nothing but the stored size."""
    plain = simple(tmp_path / "a.fits", EXPTIME=2.0)
    packed = tmp_path / "a.fits.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
    one, two = read_header(plain), read_header(packed)
    assert (two.cards, two.shape, two.header_hash) == (one.cards, one.shape, one.header_hash)
    assert two.size_bytes == packed.stat().st_size


def test_damaged_headers_never_raise_a_foreign_error(tmp_path: Path) -> None:
    """Bytes changed at random give a header or one of our errors."""
    rng = np.random.default_rng(2)
    path = save(tmp_path / "a.fits", fits.PrimaryHDU(), fits.ImageHDU(PIXELS), fits.CompImageHDU(PIXELS))
    good = path.read_bytes()
    refusals = 0
    for _ in range(200):
        data = bytearray(good)
        for at in rng.integers(0, 2 * 2880, 6):
            data[at] = rng.integers(32, 127)
        path.write_bytes(data[: rng.integers(1, len(good))])
        try:
            read_header(path)
        except EvenfieldError:
            refusals += 1
    assert 20 < refusals <= 200


def test_a_header_costs_a_fraction_of_a_millisecond(real_data: Path) -> None:
    """The headers of the real frames take less than a millisecond each, whatever else the machine does."""
    paths = sorted((real_data / "ast443-cgs-bigccd").iterdir())
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        for path in paths:
            read_header(path)
        seconds.append((time.perf_counter() - start) / len(paths))
    assert min(seconds) < 1e-3


def test_reading_headers_imports_nothing_heavy(real_data: Path) -> None:
    """A survey of plain files loads neither astropy nor numba nor scipy."""
    path = next((real_data / "ast443-cgs-bigccd").iterdir())
    code = (
        "import sys, evenfield.read as r; r.list_files([sys.argv[1]]); r.read_header(sys.argv[1]);"
        "r.open_source(sys.argv[1]).close(); print(sorted({'astropy', 'numba', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
