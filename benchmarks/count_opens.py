"""Run evenfield and count how often it opens each file.

Usage: python benchmarks/count_opens.py COUNTS.json ARGUMENTS...
"""

from __future__ import annotations

import collections
import json
import os
import sys
from pathlib import Path

os.environ["EVENFIELD_SURVEY_CACHE"] = "off"
counts: collections.Counter[str] = collections.Counter()


def note(event: str, arguments: tuple[object, ...]) -> None:
    """Count the opening of a file by its path."""
    if event == "open" and isinstance(arguments[0], str):
        counts[os.path.abspath(arguments[0])] += 1


def main() -> int:
    """Run, and write the counts."""
    sys.addaudithook(note)
    from evenfield.cli.app import run_cli

    code = run_cli(sys.argv[2:])
    Path(sys.argv[1]).write_text(json.dumps(counts))
    return code


if __name__ == "__main__":
    sys.exit(main())
