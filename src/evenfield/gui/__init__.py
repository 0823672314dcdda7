"""The desktop window: a request is edited, its plan shown and run, the report looked at. No decision lives here."""
