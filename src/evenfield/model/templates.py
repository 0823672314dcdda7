"""Settings that name files and folders: what they may hold."""

from __future__ import annotations

import re
import string
from typing import Final

from evenfield.errors import SettingsError

RESERVED: Final = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
"""Names that no file may have on Windows, whatever its ending."""

LONGEST_NAME: Final = 200
"""Bytes of a name without its ending; file systems take 255 with it."""

_NO_NAME: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f]')

MOVE_PLACEHOLDERS: Final = ("date", "time", "filter")
"""What --move-inputs fills in."""


def check_move_template(template: str) -> None:
    """Refuse placeholders other than {date}, {time} and {filter}.

    Raises
    ------
    SettingsError
    """
    try:
        parts = [part for part in string.Formatter().parse(template) if part[1] is not None]
    except ValueError as error:
        raise _not_understood(template, str(error)) from None
    for _, field, layout, conversion in parts:
        if field not in MOVE_PLACEHOLDERS or layout or conversion:
            raise _not_understood(template, f"there is no {{{field}}} of that form")


def _not_understood(template: str, why: str) -> SettingsError:
    return SettingsError(
        f"--move-inputs does not understand '{template}' ({why}).", mend="Placeholders are {date}, {time} and {filter}."
    )


def check_rename(text: str) -> None:
    """Refuse what is not NAME=NEW, and names that no file may have on every system.

    Raises
    ------
    SettingsError
    """
    name, _, new = text.partition("=")
    if not name.strip() or not new.strip(" ."):
        raise SettingsError(
            f"--rename {text} is not of the form NAME=NEW.",
            mend="Write the name of a master and its new one, as in --rename 'master_flat_Ha=flat_Ha'.",
        )
    if _NO_NAME.search(new):
        raise SettingsError(
            f"--rename {text}: the new name holds a character that no file name may have on every system.",
            mend='Leave out < > : " / \\ | ? *; choose the folder with -o.',
        )
    if RESERVED.match(new.strip()) or len(new.encode("utf-8", "surrogatepass")) > LONGEST_NAME:
        raise SettingsError(f"--rename {text}: not every system takes that name.", mend="Choose another name.")
