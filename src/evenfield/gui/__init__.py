"""The window: widgets to the one path from folders to a report; no decision lives here."""
