"""A plan to a report. Does, and never decides."""
