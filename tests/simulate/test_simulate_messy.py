"""The messy night holds exactly the 155 files that it promises, each with its fault."""

from __future__ import annotations

import collections
import datetime
import hashlib
import math
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning

from evenfield.errors import OutputExistsError
from evenfield.simulate import MessyNight, simulate_messy_night


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory) -> MessyNight:
    """The messy night, written once."""
    return simulate_messy_night(tmp_path_factory.mktemp("messy") / "night")


def sound(messy: MessyNight) -> list[Path]:
    """All files but the truncated one and the cube."""
    return [path for path in messy.files if path not in (messy.truncated, messy.cube)]


def place(path: Path, messy: MessyNight) -> str:
    return path.parent.relative_to(messy.folder).as_posix()


def test_every_file_is_counted(messy: MessyNight):
    """By folder, header and name, the 155 files are what the description says."""
    found: collections.Counter = collections.Counter()
    for path in sound(messy):
        header = fits.getheader(path)
        key = (place(path, messy), header["IMAGETYP"], header["EXPTIME"], header.get("FILTER"), header["GAIN"])
        found[key] += 1

    assert found == {
        ("2026-03-14/LIGHT", "LIGHT", 300.0, "Ha", 100): 3,
        ("2026-03-14/LIGHT", "LIGHT", 300.0, "OIII", 100): 3,
        ("2026-03-15/LIGHT", "LIGHT", 300.0, "Ha", 100): 3,
        ("2026-03-15/LIGHT", "LIGHT", 300.0, "OIII", 100): 3,
        ("2026-03-14/FLAT", "FLAT", 2.0, "Ha", 100): 20,
        ("2026-03-14/FLAT", "FLAT", 3.5, "OIII", 100): 20,
        ("2026-03-15/FLAT", "FLAT", 3.5, "OIII", 100): 20,
        ("2026-03-15/FLAT", "Light Frame", 2.0, "Ha", 100): 20,
        ("2026-03-14/DARK", "DARK", 2.0, None, 100): 20,
        ("2026-03-14/DARK", "DARK", 3.5, None, 100): 20,
        ("2026-03-14/DARK", "DARK", 300.0, None, 100): 10,
        ("2026-03-14/DARK", "DARK", 2.0, None, 0): 10,
        ("backup", "FLAT", 2.0, "Ha", 100): 1,
    }
    on_disk = [path for path in messy.folder.rglob("*") if path.is_file()]
    assert len(on_disk) == len(set(messy.files)) == 155
    assert set(on_disk) == set(messy.files)
    assert sum(path.stat().st_size for path in on_disk) < 100e6


def test_headers_agree_but_for_the_faults(messy: MessyNight):
    """One camera, one size, one offset, one set point held to 0.3 C."""
    headers = [fits.getheader(path) for path in sound(messy)]

    assert {(header["INSTRUME"], header["NAXIS1"], header["NAXIS2"]) for header in headers} == {
        ("Simulated CMOS", 624, 416)
    }
    assert {(header["OFFSET"], header["SET-TEMP"], header["ROTATANG"]) for header in headers} == {(50, -10.0, 93.4)}
    assert max(abs(header["CCD-TEMP"] + 10.0) for header in headers) <= 0.3


def test_nights_run_from_local_noon_to_noon(messy: MessyNight):
    """Every frame belongs to the night of its folder, though flats of both nights carry the date of March 15."""
    flat_dates = collections.defaultdict(set)
    for path in sound(messy):
        header = fits.getheader(path)
        start = datetime.datetime.fromisoformat(header["DATE-OBS"])
        evening = start + datetime.timedelta(hours=header["SITELONG"] / 15.0 - 12.0)
        if path != messy.copy:
            assert evening.date().isoformat() == path.relative_to(messy.folder).parts[0]
        if path.parent.name == "FLAT":
            flat_dates[path.parent.parent.name].add(start.date().isoformat())
    assert flat_dates == {"2026-03-14": {"2026-03-15"}, "2026-03-15": {"2026-03-15"}}


def test_mislabeled_flats_say_so_in_their_names_only(messy: MessyNight):
    """The header says 'Light Frame', the name says flat, the pixels are flat; no light's path says flat."""
    assert [path.name for path in messy.mislabeled] == [f"FLAT_Ha_{number:04d}.fits" for number in range(1, 21)]
    for path in messy.mislabeled:
        assert fits.getheader(path)["IMAGETYP"] == "Light Frame"
    assert 25000.0 < fits.getdata(messy.mislabeled[7]).mean() < 36000.0
    lights = [path for path in messy.files if path.parent.name == "LIGHT"]
    assert len(lights) == 12
    assert not any("flat" in path.relative_to(messy.folder).as_posix().lower() for path in lights)


def test_black_flat_lies_twelve_adu_above_its_dark_flat(messy: MessyNight):
    """With the panel off only stray light is left, within three standard errors."""
    darks = [fits.getdata(path) for path in sorted((messy.folder / "2026-03-14" / "DARK").glob("DARK_3.50s_*"))]
    black = fits.getdata(messy.black).astype(float)
    excess = black - np.median(darks, axis=0)
    # Ordinary pixels: a cosmic ray would move the mean.
    excess = excess[np.abs(excess) < 100.0]
    error = excess.std() / math.sqrt(excess.size) * math.sqrt(1.0 + math.pi / 2.0 / 20.0)

    assert messy.black.name == "FLAT_OIII_0001.fits"
    assert len(darks) == 20
    assert abs(excess.mean() - 12.0) <= 3.0 * error + 0.1  # a median of whole numbers is rounded to half an ADU


def test_saturated_flat_is_saturated(messy: MessyNight):
    """More than 38 % of its pixels stand at the top of the converter; other flats have next to none there."""
    saturated, other = fits.getdata(messy.saturated), fits.getdata(messy.saturated.with_name("FLAT_OIII_0003.fits"))

    assert messy.saturated.name == "FLAT_OIII_0002.fits"
    assert (saturated == 65535).mean() >= 0.38
    assert (other == 65535).mean() < 1e-4


def test_levels_are_those_of_the_truth(messy: MessyNight):
    """Each flat stands at its lamp level; the truth of night 2 has a grain of dust more."""
    for (night, name), truth in messy.truth.items():
        for number, level in enumerate(truth.lamp_adu[2:20], start=3):
            frame = fits.getdata(messy.folder / night / "FLAT" / f"FLAT_{name}_{number:04d}.fits")
            assert np.median((frame - truth.bias_adu) / truth.flat_image) == pytest.approx(level, rel=1e-3)
    first, second = (messy.truth[night, "Ha"].illumination for night in ("2026-03-14", "2026-03-15"))
    assert (second / first).min() < 0.92


def test_gain_zero_darks_lie_among_the_others(messy: MessyNight):
    """They share folder and naming with the darks at gain 100; header, noise and e-/ADU differ."""
    ours = fits.getdata(messy.other_gain[0].with_name("DARK_2.00s_0001.fits")).astype(float)
    theirs = fits.getdata(messy.other_gain[0]).astype(float)

    assert len(messy.other_gain) == 10
    assert {fits.getheader(path)["GAIN"] for path in messy.other_gain} == {0}
    assert {fits.getheader(path)["EGAIN"] for path in messy.other_gain} == {0.78}
    assert np.median(ours) == np.median(theirs) == 500.0
    assert np.percentile(theirs, 84) - 500.0 < np.percentile(ours, 84) - 500.0


def test_copy_is_byte_identical(messy: MessyNight):
    """The copy in the backup folder has another name and the same bytes; no other two files are equal."""
    assert messy.copy.relative_to(messy.folder).as_posix() == "backup/FLAT_Ha_0007 - Copy.fits"
    assert messy.copy.read_bytes() == messy.copied.read_bytes()
    digests = collections.Counter(hashlib.sha256(path.read_bytes()).digest() for path in messy.files)
    assert sorted(digests.values()) == [1] * 153 + [2]


def test_truncated_file_ends_early(messy: MessyNight):
    """It has 60 % of the bytes of its neighbours: a sound header, and fewer bytes than pixels need."""
    whole = messy.saturated.stat().st_size

    assert messy.truncated.relative_to(messy.folder).as_posix() == "2026-03-15/FLAT/FLAT_OIII_0021.fits"
    assert messy.truncated.stat().st_size / whole == pytest.approx(0.6, abs=0.001)
    assert messy.truncated.read_bytes()[:6] == b"SIMPLE"
    with pytest.warns(AstropyUserWarning, match="truncated"):
        header = fits.getheader(messy.truncated)
    assert header["IMAGETYP"] == "FLAT"
    assert messy.truncated.stat().st_size < 2 * header["NAXIS1"] * header["NAXIS2"]


def test_cube_is_a_sound_file_of_three_planes(messy: MessyNight):
    """The picture at the top is valid FITS, which is not a frame."""
    assert messy.cube == messy.folder / "preview.fits"
    with fits.open(messy.cube) as hdus:
        hdus.verify("exception")
        assert hdus[0].header["NAXIS"] == 3
        assert hdus[0].data.shape == (3, 416, 624)
        assert hdus[0].data.std() > 1.0
    assert messy.cube.stat().st_size % 2880 == 0


def test_messy_night_is_reproducible_and_kept(messy: MessyNight, tmp_path: Path):
    """The same seed writes the same 155 files again, byte for byte, and does not write over them unasked."""
    again = simulate_messy_night(tmp_path)
    for first, second in zip(messy.files, again.files, strict=True):
        assert first.relative_to(messy.folder) == second.relative_to(tmp_path)
        assert first.read_bytes() == second.read_bytes()
    with pytest.raises(OutputExistsError):
        simulate_messy_night(tmp_path)
