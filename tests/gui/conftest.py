"""Qt without a screen, before anything imports it."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from window_hand import Hand


@pytest.fixture
def hand(tmp_path: Path, qapp: object) -> Iterator[Hand]:
    """A hand at a new window."""
    from window_hand import Hand, make_window

    one = Hand(make_window(tmp_path / "config"))
    yield one
    one.close()


@pytest.fixture(scope="session")
def messy_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The night that users really have; to be copied by whoever changes it."""
    from evenfield.simulate import simulate_messy_night

    folder = tmp_path_factory.mktemp("messy") / "night"
    simulate_messy_night(folder, seed=1)
    return folder


@pytest.fixture
def dialogs(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the desktop's file dialogs answer: "folder", "files", "open" and "save"."""
    from window_flows import answered_dialogs

    return answered_dialogs(monkeypatch)
