"""From a header to a `FrameInfo`: dialects as tables, the description, and the user's overrides."""
