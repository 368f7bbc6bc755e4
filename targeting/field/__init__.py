"""Outings: what a pair takes along, and what it brings back."""
