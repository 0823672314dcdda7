"""The raw files of cameras: the mosaic as it is, what the camera tells, and damage told as damage."""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rawpy
from numpy.typing import NDArray

from evenfield.describe.description import describe_frame
from evenfield.errors import DamagedFileError, ReadError, UnsupportedError
from evenfield.model.pixels import Tile
from evenfield.read import open_source, read_header
from evenfield.read.camera_raw import INSTALL

PIXELS = np.random.default_rng(4).integers(100, 16000, (64, 96), dtype=np.uint16)


def write_dng(
    path: Path, pixels: NDArray[np.uint16], *, pattern: bytes = b"\0\1\1\2", seconds: tuple[int, int] = (5, 2)
) -> Path:
    """A small DNG by hand: an uncompressed mosaic with a camera's name, exposure, ISO and time (Adobe, DNG 1.4)."""
    rows, columns = pixels.shape
    exif = [
        (33434, 5, struct.pack("<2I", *seconds)),
        (34855, 3, struct.pack("<H", 800)),
        (36867, 2, b"2026:03:14 21:30:00\0"),
        (37386, 5, struct.pack("<2I", 530, 1)),
    ]
    entries: list[tuple[int, int, bytes]] = [
        (254, 4, struct.pack("<I", 0)),
        (256, 4, struct.pack("<I", columns)),
        (257, 4, struct.pack("<I", rows)),
        (258, 3, struct.pack("<H", 16)),
        (259, 3, struct.pack("<H", 1)),
        (262, 3, struct.pack("<H", 32803)),
        (271, 2, b"Testcam\0"),
        (272, 2, b"Testcam 1\0"),
        (273, 4, b"PIXL"),
        (277, 3, struct.pack("<H", 1)),
        (278, 4, struct.pack("<I", rows)),
        (279, 4, struct.pack("<I", pixels.nbytes)),
        (33421, 3, struct.pack("<2H", 2, 2)),
        (33422, 1, pattern),
        (34665, 4, b"EXIF"),
        (50706, 1, bytes((1, 4, 0, 0))),
        (50708, 2, b"Testcam 1\0"),
        (50717, 4, struct.pack("<I", 16383)),
        (50721, 10, struct.pack("<18i", *(v for k in range(9) for v in (int(k % 4 == 0), 1)))),
    ]
    sizes = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 10: 8}
    exif_at = 8 + 2 + 12 * len(entries) + 4
    data_at = exif_at + 2 + 12 * len(exif) + 4
    extra = b""

    def directory(items: list[tuple[int, int, bytes]]) -> bytes:
        nonlocal extra
        out = struct.pack("<H", len(items))
        for tag, kind, value in items:
            value = {b"EXIF": struct.pack("<I", exif_at), b"PIXL": struct.pack("<I", pixels_at)}.get(value, value)
            if len(value) > 4:
                place = struct.pack("<I", data_at + len(extra))
                count, extra = len(value) // sizes[kind], extra + value + b"\0" * (len(value) % 2)
                out += struct.pack("<HHI", tag, kind, count) + place
            else:
                out += struct.pack("<HHI", tag, kind, max(1, len(value) // sizes[kind])) + value.ljust(4, b"\0")
        return out + bytes(4)

    pixels_at = 4096
    whole = b"II*\0" + struct.pack("<I", 8) + directory(entries) + directory(exif)
    path.write_bytes((whole + extra).ljust(pixels_at, b"\0") + pixels.astype("<u2").tobytes())
    return path


def whole(path: Path) -> NDArray[np.float32]:
    """All pixels."""
    source = open_source(path)
    try:
        return source.read(Tile(start=0, stop=source.shape[0]))
    finally:
        source.close()


@pytest.mark.parametrize(("pattern", "letters"), [(b"\0\1\1\2", "RGGB"), (b"\1\0\2\1", "GRBG"), (b"\2\1\1\0", "BGGR")])
def test_the_mosaic_as_it_is(tmp_path: Path, pattern: bytes, letters: str) -> None:
    """Pixels are those of the sensor, nothing taken away or interpolated; the pattern is that of the first pixel."""
    path = write_dng(tmp_path / "a.dng", PIXELS, pattern=pattern)
    np.testing.assert_array_equal(whole(path), PIXELS)
    frame = describe_frame(read_header(path))
    assert frame.setup.cfa == letters
    assert frame.setup.camera == "Testcam 1"
    assert frame.setup.gain_setting == 800.0
    assert (frame.exposure_s, frame.focal_length_mm, frame.saturation_adu) == (2.5, 530.0, 16383.0)
    assert frame.setup.number_domain == "adu"


def test_a_real_canon(real_data: Path) -> None:
    """A CR2 gives LibRaw's visible pixels, without the black border, and what the camera says of itself."""
    path = real_data / "raw-dslr" / "rawtran" / "IMG_5952.CR2"
    with rawpy.imread(str(path)) as raw:
        np.testing.assert_array_equal(whole(path), raw.raw_image_visible)
    frame = describe_frame(read_header(path))
    assert frame.setup.shape == (2348, 3522)
    assert (frame.setup.camera, frame.setup.cfa, frame.setup.gain_setting) == ("Canon EOS 30D", "RGGB", 640.0)
    assert (frame.exposure_s, frame.sensor_c, frame.local_at) == (0.0025, 29.0, "2009-07-21T13:03:20.000")


def test_stripped_files_are_refused_by_name(real_data: Path) -> None:
    """Files whose pixels were taken out fail with a reason, whatever camera they are of."""
    folder = real_data / "raw-dslr" / "exiftool"
    stubs = sorted(path for path in folder.iterdir() if path.suffix != ".fits")
    assert len(stubs) == 7
    for path in stubs:
        with pytest.raises((DamagedFileError, UnsupportedError)) as caught:
            read_header(path)
        assert path.name in str(caught.value)
        assert caught.value.mend


def test_a_file_cut_short(tmp_path: Path) -> None:
    """Half a file is no picture."""
    path = write_dng(tmp_path / "a.dng", np.tile(PIXELS, (8, 8)))
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(DamagedFileError):
        read_header(path)


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where rawpy is not installed, one sentence says how to install it."""
    path = write_dng(tmp_path / "a.dng", PIXELS)
    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(ReadError, match="rawpy is not installed") as caught:
        read_header(path)
    assert caught.value.mend == INSTALL
    assert "evenfield[raw]" in INSTALL


def test_masters_of_raw_files(tmp_path: Path) -> None:
    """Raw flats and dark flats in folders of these names become a master, as FITS frames do."""
    from evenfield import make_plan, run_plan, survey_folders

    rng = np.random.default_rng(1)
    for folder, level, count in (("flats", 8000, 6), ("darkflats", 500, 6)):
        (tmp_path / "night" / folder).mkdir(parents=True)
        for number in range(count):
            pixels = np.rint(rng.normal(level, 20, (64, 96))).astype(np.uint16)
            write_dng(tmp_path / "night" / folder / f"{number}.dng", pixels)
    report = run_plan(make_plan(survey_folders([tmp_path / "night"]), output=str(tmp_path / "out")))
    assert report.exit_code == 0
    flat: Any = report.results[-1]
    assert flat.measured["mean_adu"] == pytest.approx(7500, abs=3)
    assert whole(Path(flat.outputs[0])).mean() == pytest.approx(7500, abs=3)
