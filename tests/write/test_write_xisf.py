"""XISF files: the `xisf` package reads the same pixels and keywords, and so do we."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xisf import XISF

from evenfield.errors import OutputExistsError, WriteError
from evenfield.model.pixels import Image
from evenfield.read import read_header, read_image
from evenfield.write.xisf_file import write_xisf

PIXELS = np.random.default_rng(2).normal(30000, 400, (37, 52)).astype(np.float32)
CARDS = [
    ("IMAGETYP", "Master Flat", "kind"),
    ("FILTER", "H'a & <b>", "a name that XML and FITS have to quote"),
    ("EXPTIME", 2.5, ""),
    ("XBINNING", 2, ""),
    ("SIMPLE", True, "of the layout: not written"),
    ("FLAG", True, ""),
    ("NOTHING", None, ""),
    ("BAYERPAT", "RGGB", ""),
    ("DATE-OBS", "2026-03-14T20:00:00.5", ""),
    ("FOCALLEN", 530.0, "mm"),
    ("FILTER", "second", ""),
]


@pytest.mark.parametrize("shuffle", [False, True], ids=["", "shuffled"])
@pytest.mark.parametrize("codec", ["", "zlib", "lz4", "lz4hc", "zstd"])
@pytest.mark.parametrize("sample", ["uint16", "uint32", "float32", "float64"])
def test_the_xisf_package_reads_equal_pixels(tmp_path: Path, sample: Any, codec: Any, shuffle: bool) -> None:
    """Every sample, codec and order of bytes comes back as it went in."""
    path = write_xisf(tmp_path / "a.xisf", image=PIXELS, cards=CARDS, sample=sample, codec=codec, shuffle=shuffle)
    wanted = (np.rint(PIXELS) if sample.startswith("uint") else PIXELS).astype(sample)
    found = XISF(path).read_image(0)[..., 0]
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)
    own = read_image(path).pixels
    np.testing.assert_allclose(own if sample != "uint32" else own * (2.0**32 - 1), wanted, rtol=2e-7)


def test_keywords_and_properties(tmp_path: Path) -> None:
    """Keywords are those of FITS, quoted as there; what has a property in XISF is written as that too."""
    path = write_xisf(tmp_path / "a.xisf", image=PIXELS, cards=CARDS, history=["one 'line' <&>", "two"])
    meta = XISF(path).get_images_metadata()[0]
    keywords = {name: [one["value"] for one in found] for name, found in meta["FITSKeywords"].items()}
    assert keywords["FILTER"] == ["H''a & <b>"]
    assert "SIMPLE" not in keywords
    assert keywords["FLAG"] == ["T"]
    assert keywords["XBINNING"] == ["2"]
    assert [one["comment"] for one in meta["FITSKeywords"]["HISTORY"]] == ["one 'line' <&>", "two"]
    properties = {name: one["value"] for name, one in meta["XISFProperties"].items()}
    assert properties["Instrument:Filter:Name"] == "H'a & <b>"
    assert properties["Instrument:ExposureTime"] == 2.5
    assert properties["Instrument:Telescope:FocalLength"] == pytest.approx(0.53)
    assert properties["Observation:Time:Start"] == "2026-03-14T20:00:00.5Z"
    header = read_header(path)
    assert (header.get("FILTER"), header.get("FLAG"), header.get("NOTHING")) == ("H'a & <b>", True, None)
    assert header.history == ("one 'line' <&>", "two")


def test_the_range_of_pixinsight(tmp_path: Path) -> None:
    """Divided by 65535 a master lies on 0..1 for others, and is ADU again for us where EVFSCALE says so."""
    cards = [("BUNIT", "relative", ""), ("EVFSCALE", 65535.0, "")]
    path = write_xisf(tmp_path / "a.xisf", image=Image(pixels=PIXELS.copy()), cards=cards, scale=65535.0)
    np.testing.assert_allclose(XISF(path).read_image(0)[..., 0], PIXELS / 65535, rtol=1e-7)
    np.testing.assert_allclose(read_image(path).pixels, PIXELS, rtol=2e-7)
    plain = write_xisf(tmp_path / "b.xisf", image=Image(pixels=PIXELS.copy()), cards=cards[:1], scale=65535.0)
    np.testing.assert_allclose(read_image(plain).pixels, PIXELS / 65535, rtol=2e-7)


def test_equal_work_gives_equal_files(tmp_path: Path) -> None:
    """The file holds no time of its making, and a NaN has always the same bits."""
    pixels = PIXELS.copy()
    pixels[3, 4] = np.frombuffer(b"\x01\x00\xc0\xff", np.float32)[0]
    first = write_xisf(tmp_path / "a.xisf", image=pixels, cards=CARDS)
    pixels[3, 4] = np.nan
    second = write_xisf(tmp_path / "b.xisf", image=pixels, cards=CARDS)
    assert Path(first).read_bytes() == Path(second).read_bytes()


def test_what_is_refused(tmp_path: Path) -> None:
    """A file that is there stays; values that integers cannot hold are counted; nothing half-written is left."""
    path = write_xisf(tmp_path / "a.xisf", image=PIXELS)
    before = Path(path).read_bytes()
    with pytest.raises(OutputExistsError):
        write_xisf(path, image=PIXELS + 1)
    assert Path(path).read_bytes() == before
    bad = PIXELS.copy()
    bad[0, :3] = -5, 70000, np.nan
    with pytest.raises(WriteError, match="3 pixels lie outside of 0 to 65535"):
        write_xisf(tmp_path / "b.xisf", image=bad, sample="uint16")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.xisf"]
