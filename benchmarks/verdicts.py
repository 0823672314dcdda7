"""All figures of docs/verdicts.md, from the simulated camera: seeds from 1000 on, which nothing was tuned with.

python benchmarks/verdicts.py --write             some hours on two cores
python benchmarks/verdicts.py --parts sets        one part, printed
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
PAGE: Final = HERE.parent / "docs" / "verdicts.md"

PARTS: Final[dict[str, tuple[str, ...]]] = {
    "sets": ("verdicts_sets.py", "--trials", "40", "--seed", "1000"),
    "exposures": ("verdicts_exposures.py", "--trials", "40", "--seed", "1000"),
    "transfer": ("verdicts_transfer.py", "--part", "transfer", "--trials", "4", "--seed", "1000"),
    "pulls": ("verdicts_transfer.py", "--part", "pulls", "--trials", "250", "--seed", "1000"),
    "choice": ("verdicts_transfer.py", "--part", "choice", "--trials", "60", "--seed", "1000"),
    "noise": ("verdicts_transfer.py", "--part", "noise", "--trials", "5", "--seed", "1000"),
    "stl": ("verdicts_transfer.py", "--part", "real"),
    "correction": ("verdicts_correction.py", "--parts", "rests", "--trials", "40", "--seed", "1000",
                   "--rests", "0", "2", "-2"),
    "correction-more": ("verdicts_correction.py", "--parts", "rests", "--trials", "10", "--seed", "1000",
                        "--rests", "1", "-1", "5", "-5"),
    "colors": ("verdicts_correction.py", "--parts", "rests", "--trials", "4", "--seed", "1000",
               "--mosaics", "Bayer", "X-Trans", "--rests", "0", "2", "-2"),
    "frames": ("verdicts_correction.py", "--parts", "frames", "--trials", "4", "--seed", "1000",
               "--rests", "0", "2", "-2"),
    "alarms": ("verdicts_correction.py", "--parts", "alarms", "--trials", "1000", "--seed", "2000"),
    "clean": ("verdicts_clean.py", "--trials", "100", "--seed", "60000"),
    "causes": ("verdicts_causes.py", "--trials", "100", "--seed", "30000"),
    "cause-alarms": ("verdicts_causes.py", "--alarms", "100", "--seed", "40000"),
    "pedestal": ("verdicts_correction.py", "--parts", "pedestal", "--trials", "300", "--seed", "20000"),
    "nights": ("verdicts_pedestal.py", "--trials", "16", "--seed", "20001"),
    "geometry": ("verdicts_geometry.py", "--trials", "20", "--seed", "30000", "--shape", "1600", "2400"),
    "geometry-ten": ("verdicts_geometry.py", "--trials", "12", "--seed", "40000", "--shape", "1600", "2400",
                     "--lights", "10"),
}  # fmt: skip
"""Part -> the script that prints its tables, and its arguments."""


def figures(part: str) -> str:
    """What the script of a part prints."""
    script, *arguments = PARTS[part]
    run = subprocess.run(
        [sys.executable, str(HERE / script), *arguments], check=True, stdout=subprocess.PIPE, encoding="utf-8"
    )
    return run.stdout.strip()


def main() -> None:
    """Print the tables, and write them into the page where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=",".join(PARTS), help="names separated by commas")
    parser.add_argument("--write", action="store_true", help="write docs/verdicts.md")
    asked = parser.parse_args()
    for part in asked.parts.split(","):
        tables = figures(part)
        print(f"## {part}\n\n{tables}\n", flush=True)
        if asked.write:
            text = PAGE.read_text(encoding="utf-8")
            mark = rf"(<!-- figures of {part} -->\n\n).*?(<!-- end -->)"
            # A function, since tables may hold backslashes.
            PAGE.write_text(
                re.sub(mark, lambda found: f"{found[1]}{tables}\n\n{found[2]}", text, flags=re.DOTALL),  # noqa: B023
                encoding="utf-8",
            )


if __name__ == "__main__":
    main()
