"""Fixtures that all tests share, one kernel cache, one Hypothesis profile, and the count of absent real frames."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

ABSENT = "real frames absent (EVENFIELD_TEST_DATA)"

# One cache for all test processes: a kernel is compiled once, whoever needs it first.
os.environ.setdefault("EVENFIELD_KERNEL_CACHE", str(ROOT / ".numba_cache"))
# The preferences of whoever runs the tests must not change what is tested.
os.environ["EVENFIELD_CONFIG"] = str(ROOT / ".no-preferences" / "settings.toml")

# The first example of a test may compile a kernel, so examples have no deadline.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("local"), derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "local")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real frames, or a skip that names it."""
    folder = Path(os.environ.get("EVENFIELD_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        if os.environ.get("EVENFIELD_REQUIRE_ALL") == "1" and os.environ.get("EVENFIELD_TEST_DATA"):
            pytest.fail(ABSENT)
        pytest.skip(ABSENT)
    return folder


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many tests could not run because the real frames are not there."""
    skipped = terminalreporter.stats.get("skipped", [])
    absent = sum(ABSENT in str(report.longrepr) for report in skipped)
    terminalreporter.write_line(f"Skipped for absent real frames: {absent}")
