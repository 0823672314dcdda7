"""The examples of the CCD guide: evenfield and ccdproc agree, and the page holds what the script prints."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def guide() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("ccd_guide", DOCS / "ccd_guide.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ccd_guide"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("index", [0, 1], ids=["overscan used, darks unscaled", "overscan trimmed, darks scaled"])
def test_both_programs_agree(guide: ModuleType, index: int) -> None:
    """Master flats of both programs are equal within 1e-6, and the page shows just these numbers."""
    lines = guide.table(guide.examples()[index])
    page = (DOCS / "ccd-guide.md").read_text(encoding="utf-8")
    for line in lines[2:]:
        name, ours, theirs, apart = (cell.strip() for cell in line.strip("|").split("|"))
        assert float(ours) == pytest.approx(float(theirs), rel=1e-6)
        if apart:
            assert float(apart) < 1e-6
        # The last digit of a difference of roundings is the machine's own.
        shown = re.search(rf"\| {re.escape(name)} \| ([0-9.]+) \| ([0-9.]+) \|", page)
        assert shown is not None, name
        assert shown.groups() == (ours, theirs)
