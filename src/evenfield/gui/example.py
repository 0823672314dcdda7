"""The example night that the empty window offers. No Qt."""

from __future__ import annotations

import os
import shutil

from evenfield.errors import WriteError
from evenfield.gui.words import tr

RECORD = "night.txt"


def example_folder() -> str:
    """Where the example night lies: in the user's cache, so that it may be deleted at any time."""
    import platformdirs

    return os.path.join(str(platformdirs.user_cache_path("evenfield")), "example", "night")


def make_example(folder: str) -> None:
    """Simulate the example night into a folder, unless it is there.

    Raises
    ------
    WriteError
        If the folder cannot be written to.
    """
    from evenfield.simulate import simulate_night

    record = os.path.join(os.path.dirname(folder), RECORD)
    if os.path.isfile(record) and os.path.isdir(folder):
        return
    shutil.rmtree(folder, ignore_errors=True)
    try:
        simulate_night(folder, seed=1)
        with open(record, "w", encoding="utf-8") as file:
            file.write("example night, seed 1\n")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise WriteError(tr("The example night cannot be written: {}.").format(error.strerror or error)) from None
