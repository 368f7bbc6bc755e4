"""Stations: their past, their scores, how sure those are."""
