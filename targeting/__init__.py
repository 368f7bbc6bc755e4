"""Relance: where the abstainers of the left live, and in which order to knock."""

__version__ = "0.1.0"
