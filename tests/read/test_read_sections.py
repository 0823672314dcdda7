"""FITS sections."""

from __future__ import annotations

import pytest

from evenfield.errors import SettingsError
from evenfield.model.sections import section, section_text


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("[2056:*,*]", (0, 4128, 2055, 2080)),
        ("[1:2048,*]", (0, 4128, 0, 2048)),
        ("[*,1:10]", (0, 10, 0, 2080)),
        (" [ 5 : 7 , 2 : 2 ] ", (1, 2, 4, 7)),
        ("3,4", (3, 4, 2, 3)),
        ("[:9,4120:]", (4119, 4128, 0, 9)),
        ("[1:2080,1:4128]", (0, 4128, 0, 2080)),
    ],
)
def test_a_section_counts_from_one_x_first_ends_included(text: str, region: tuple[int, int, int, int]) -> None:
    """A FITS section means the rows and columns that IRAF means by it."""
    assert section(text, (4128, 2080)) == region


@pytest.mark.parametrize(
    "text",
    ["", "[1:2]", "[1:2,3:4,5:6]", "[0:5,*]", "[1:2081,*]", "[*,1:4129]", "[9:5,*]", "[a:5,*]", "[-*,*]", "[1.5:2,*]"],
)
def test_a_wrong_section_is_refused_with_a_mend(text: str) -> None:
    """What is no section, runs backwards or leaves the image is refused, and the text is named."""
    with pytest.raises(SettingsError) as caught:
        section(text, (4128, 2080))
    assert f"'{text}'" in caught.value.message
    assert caught.value.mend


def test_without_a_shape_only_the_syntax_is_checked() -> None:
    """A section may be checked before any frame is known."""
    assert section("[1:99999,*]", None)[2:] == (0, 99999)
    with pytest.raises(SettingsError):
        section("[5:1,*]", None)


def test_a_region_survives_its_text() -> None:
    """The text of a region reads back as that region."""
    assert section(section_text((3, 9, 0, 7)), (10, 7)) == (3, 9, 0, 7)
