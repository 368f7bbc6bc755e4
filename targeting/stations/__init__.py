"""Polling stations as places: outlines, joins by code, points into stations."""
