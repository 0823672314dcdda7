"""Makes the picture of the report for ``report.md``: ``python docs/make_report_picture.py``, with Chromium.

The messy night is simulated, its masters are made, and the first screen of its page is taken.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import evenfield
from evenfield.report.save import PAGE, save_report_page
from evenfield.simulate import simulate_messy_night

PICTURE = Path(__file__).parent / "images" / "report.png"
SIZE = (1200, 1240)


def main() -> int:
    """Make the night, its masters and the page, and look at it."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
    from browser import ABSENT, browser, chromium

    program = chromium()
    if program is None:
        print(f"{ABSENT}: the picture of the report stays as it is.")
        return 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        night, output = Path(folder, "night"), Path(folder, "masters")
        simulate_messy_night(night)
        plan = evenfield.make_plan(evenfield.survey_folders([night]), output=str(output))
        save_report_page(evenfield.run_plan(plan), plan=plan)
        with browser(program, Path(folder, "profile")) as page:
            page.show(output / PAGE, width=SIZE[0], height=SIZE[1])
            PICTURE.write_bytes(page.picture())
    return 0


if __name__ == "__main__":
    sys.exit(main())
