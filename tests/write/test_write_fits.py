"""Writing images."""

from __future__ import annotations

import enum
import math
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from evenfield.errors import OutputExistsError, WriteError
from evenfield.model.pixels import Image, Unit
from evenfield.read import read_header, read_history, read_image
from evenfield.write import write_image
from evenfield.write.card_text import ascii_text, header_bytes

PIXELS = np.linspace(-3, 70000, 50 * 37, dtype=np.float32).reshape(50, 37)


def verified(path: str) -> tuple[fits.Header, np.ndarray]:
    """Header and pixels by astropy, which must find nothing to warn of (warnings are errors here)."""
    with fits.open(path, memmap=False) as hdus:
        hdus.verify("exception")
        assert len(hdus) == 1
        return hdus[0].header.copy(), hdus[0].data.copy()


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "f8", "i2", "u2", "u1", "?"])
def test_pixels_read_back_equal(tmp_path: Path, dtype: str) -> None:
    """float32 files hold the pixels exactly, NaN and infinite ones included, in whole blocks."""
    data = np.abs(PIXELS).clip(0, 200).astype(dtype)
    if data.dtype.kind == "f":
        data[3, :3] = np.nan, np.inf, -0.0
    path = write_image(tmp_path / "a.fits", image=data)
    assert path == str(tmp_path / "a.fits")
    header, found = verified(path)
    assert np.array_equal(found, data.astype(np.float32), equal_nan=True)
    assert header["BITPIX"] == -32
    assert Path(path).stat().st_size % 2880 == 0
    assert np.array_equal(read_image(path).pixels, data.astype(np.float32), equal_nan=True)


def test_views_and_large_images_are_written_whole(tmp_path: Path) -> None:
    """An image of many chunks that is no C-ordered block of memory is written row by row."""
    data = np.arange(3_000_000, dtype=np.float32).reshape(3000, 1000)[::2, ::-1].T
    assert np.array_equal(verified(write_image(tmp_path / "a.fits", image=data))[1], data)


def test_sixteen_bits_are_rounded_half_to_even(tmp_path: Path) -> None:
    """uint16 files hold all of 0 to 65535; halves go to the even neighbour."""
    data = np.array([[0, 0.5, 1.5, 2.5, 32767.5, 32768, 65534.6, 65535.4, -0.4]], np.float32)
    header, found = verified(write_image(tmp_path / "a.fits", image=data, sample="uint16"))
    assert found.dtype == np.uint16
    assert found.tolist() == [[0, 0, 2, 2, 32768, 32768, 65535, 65535, 0]]
    assert (header["BITPIX"], header["BZERO"]) == (16, 32768)


def test_values_that_do_not_fit_are_refused_never_wrapped(tmp_path: Path) -> None:
    """The number of pixels of each kind is told, and no file appears."""
    data = np.array([[-1, -0.6, 65536, np.nan, np.inf, 5]], np.float32)
    with pytest.raises(WriteError) as caught:
        write_image(tmp_path / "a.fits", image=data, sample="uint16")
    assert caught.value.code == "does_not_fit"
    assert "2 pixels below 0, 2 pixels above 65535, 1 pixel without a value (NaN)" in caught.value.message
    assert caught.value.mend
    assert list(tmp_path.iterdir()) == []


class Kind(enum.StrEnum):
    FLAT = "flat"


def test_cards_read_back_as_they_were_given(tmp_path: Path) -> None:
    """Each type of value comes back, by astropy and by our own reader, with its comment."""
    cards = [
        ("IMAGETYP", "Master Flat", "kind"),
        ("EXPTIME", 0.1 + 0.2, "seconds"),
        ("TINY", 1e-300, ""),
        ("HUGE", -1.2345678901234567e200, ""),
        ("NCOMBINE", 32, "frames"),
        ("BIG", 2**60, ""),
        ("YES", True, "a fact"),
        ("NO", np.False_, ""),
        ("NPFLOAT", np.float64(2.5), ""),
        ("NPINT", np.int32(-7), ""),
        ("KIND", Kind.FLAT, ""),
        ("QUOTE", "it's 'quoted'", ""),
        ("EMPTY", "", ""),
        ("UNKNOWN", None, "not known"),
        ("ESO DET CHIP NX", 2048, "pixels"),
        ("HIERARCHTEXT", "text", ""),
        ("lower", 1, ""),
    ]
    path = write_image(tmp_path / "a.fits", image=PIXELS, cards=cards)
    header, _ = verified(path)
    ours = read_header(path)
    for keyword, value, comment in cards:
        found = header[keyword]
        plain = value.item() if isinstance(value, np.generic) else value
        for back in (found, ours.get(keyword.upper())):
            assert back == plain
            assert isinstance(plain, type(back))
        assert header.comments[keyword] == comment
    assert ours.remarks == ()


def test_numbers_that_fits_cannot_hold_are_undefined(tmp_path: Path) -> None:
    """NaN and infinite values are written as cards without a value."""
    path = write_image(tmp_path / "a.fits", image=PIXELS, cards=[("A", math.nan, ""), ("B", math.inf, "")])
    assert (read_header(path).get("A"), read_header(path).get("B")) == (None, None)
    verified(path)


def test_what_is_no_ascii_is_written_by_its_likeness(tmp_path: Path) -> None:
    """Greek letters, accents and signs become ASCII; what has no likeness a question mark."""
    assert ascii_text("Hα 3nm") == "Ha 3nm"
    assert (
        ascii_text("Orión – 10 µm, “ß”, 5′, −10 °C, 1×1, Å ½\n星") == 'Orion - 10 um, "ss", 5\', -10 degC, 1x1, A 1/2 ?'
    )
    cards = [("FILTER", "Hα", "für Hα"), ("OBSERVER", "André Müller", "")]
    path = write_image(tmp_path / "a.fits", image=PIXELS, cards=cards, history=["Größe 5 µm"])
    header, _ = verified(path)
    assert (header["FILTER"], header.comments["FILTER"], header["OBSERVER"]) == ("Ha", "fur Ha", "Andre Muller")
    assert read_history(path) == ("Grosse 5 um",)


@pytest.mark.parametrize("length", [60, 66, 67, 68, 69, 70, 134, 135, 136, 137, 500])
@pytest.mark.parametrize("fill", ["x", "'", "a ", "&", "it's & "])
def test_long_texts_go_on_in_further_cards(tmp_path: Path, length: int, fill: str) -> None:
    """Texts of any length read back whole, quotes never cut in two, by astropy and by our own reader."""
    text = (fill * length)[: length - 1] + "."
    cards = [("LONG", text, "a comment"), ("ESO LONG KEY", text, ""), ("NEXT", 1, "")]
    path = write_image(tmp_path / "a.fits", image=PIXELS, cards=cards)
    header, _ = verified(path)
    ours = read_header(path)
    for keyword, value, _ in cards:
        assert header[keyword] == value
        assert ours.get(keyword) == value
    assert ("LONGSTRN" in header) == (len(text.replace("'", "''")) > 54)


VALUES = st.one_of(
    st.booleans(), st.integers(-(2**63), 2**63), st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200),
)  # fmt: skip


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(VALUES, st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=90)), max_size=8)
)
def test_any_cards_survive_writing_and_reading(values: list[tuple[bool | int | float | str, str]]) -> None:
    """Any value reads back equal, texts without the blanks at their end, which FITS does not keep."""
    from evenfield.read.cards import parse_cards

    cards = [(f"KEY{number}", value, comment) for number, (value, comment) in enumerate(values)]
    data = header_bytes(cards)
    assert len(data) % 2880 == 0
    ours = parse_cards(data)
    theirs = fits.Header.fromstring(data)
    for keyword, value, _ in cards:
        wanted = value.rstrip() if isinstance(value, str) else value
        assert ours.first()[keyword] == wanted
        assert theirs[keyword] == wanted
    assert ours.remarks == ()


def test_history_is_split_and_kept(tmp_path: Path) -> None:
    """HISTORY texts stand in order at the end, long ones on several cards of 72 characters."""
    path = write_image(tmp_path / "a.fits", image=PIXELS, history=["first", "x" * 100, "two\nlines", ""])
    header, _ = verified(path)
    wanted = ("first", "x" * 72, "x" * 28, "two", "lines", "")
    assert tuple(header["HISTORY"]) == wanted
    assert read_history(path) == wanted


def test_the_layout_is_the_files_own(tmp_path: Path) -> None:
    """Cards of another file's layout are left out, and of equal keywords the first counts."""
    cards = [
        ("SIMPLE", False, ""), ("BITPIX", 8, ""), ("NAXIS1", 3, ""), ("BZERO", 5.0, ""), ("BSCALE", 2, ""),
        ("BLANK", 0, ""), ("END", "x", ""), ("GAIN", 1, "one"), ("GAIN", 2, "two"), ("COMMENT", "a", ""),
        ("COMMENT", "b", ""),
    ]  # fmt: skip
    header, found = verified(write_image(tmp_path / "a.fits", image=PIXELS, cards=cards))
    assert np.array_equal(found, PIXELS)
    assert header["GAIN"] == 1
    assert list(header["COMMENT"]) == ["a", "b"]
    assert not {"BZERO", "BSCALE", "BLANK"} & set(header)


def test_an_image_says_its_unit(tmp_path: Path) -> None:
    """The unit of an image is written and read back; a card BUNIT goes before it."""
    image = Image(pixels=PIXELS.copy(), unit=Unit.RELATIVE)
    path = write_image(tmp_path / "a.fits", image=image)
    assert read_image(path).unit is Unit.RELATIVE
    path = write_image(tmp_path / "b.fits", image=image, cards=[("BUNIT", "adu", "")])
    assert verified(path)[0]["BUNIT"] == "adu"


def test_equal_work_gives_equal_files(tmp_path: Path) -> None:
    """Two files of the same pixels and cards have the same bytes, whatever the bits of their NaN."""
    one, two = PIXELS.copy(), PIXELS.copy()
    one[0, 0] = np.nan
    two.view(np.uint32)[0, 0] = 0xFFC00123
    cards = [("FILTER", "R", "")]
    images = enumerate((one, two))
    files = [write_image(tmp_path / f"{number}.fits", image=data, cards=cards) for number, data in images]
    assert Path(files[0]).read_bytes() == Path(files[1]).read_bytes()


def test_bad_requests_are_refused(tmp_path: Path) -> None:
    """What is no image, no sample type or no keyword is refused before a file appears."""
    path = tmp_path / "a.fits"
    for data in (np.zeros(5), np.zeros((2, 3, 4)), np.zeros((0, 5)), np.zeros((2, 2), complex)):
        with pytest.raises(WriteError, match="no image"):
            write_image(path, image=data)
    with pytest.raises(WriteError, match="float64"):
        write_image(path, image=PIXELS, sample="float64")  # type: ignore[arg-type]
    with pytest.raises(WriteError, match="keyword"):
        write_image(path, image=PIXELS, cards=[("A=B", 1, "")])
    assert not path.exists()


def test_an_existing_file_is_kept_unless_overwritten(tmp_path: Path) -> None:
    """Without overwrite the file stays as it is; with it, the new one takes its place."""
    path = write_image(tmp_path / "a.fits", image=PIXELS)
    before = Path(path).read_bytes()
    with pytest.raises(OutputExistsError) as caught:
        write_image(path, image=PIXELS + 1)
    assert caught.value.mend
    assert Path(path).read_bytes() == before
    write_image(path, image=PIXELS + 1, overwrite=True)
    assert np.array_equal(verified(path)[1], PIXELS + 1)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.fits"]
