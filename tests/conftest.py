"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real frames, or a skip that names it."""
    folder = Path(os.environ.get("EVENFIELD_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        reason = "real frames absent (EVENFIELD_TEST_DATA)"
        if os.environ.get("EVENFIELD_REQUIRE_ALL") == "1" and os.environ.get("EVENFIELD_TEST_DATA"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
