"""Frames and settings to a plan. Decides, and never sees a pixel."""
