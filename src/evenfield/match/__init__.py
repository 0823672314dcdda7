"""Frames to groups, groups to masters: select, group, match."""
