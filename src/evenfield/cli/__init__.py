"""Arguments to the one path: survey, plan, run, report. No decision lives here."""
