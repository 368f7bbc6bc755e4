"""Turfs: cut, planned, changed by hand, written."""
