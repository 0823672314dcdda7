"""Where the preferences file lies, and what it says."""

from __future__ import annotations

import os
from pathlib import Path

from evenfield.model.settings import Settings
from evenfield.store import load_settings

VARIABLE = "EVENFIELD_CONFIG"
"""Environment variable that names the preferences file."""


def preferences_path() -> Path:
    """The preferences file: the one that EVENFIELD_CONFIG names, else ``settings.toml`` in the platform's place."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    import platformdirs

    return platformdirs.user_config_path("evenfield") / "settings.toml"


def load_preferences() -> Settings:
    """The preferences, or the defaults where there is no file.

    Raises
    ------
    DocumentError
        If the file is broken, naming the line or key.
    """
    path = preferences_path()
    return load_settings(path) if path.exists() else Settings()
