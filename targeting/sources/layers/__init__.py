"""Layers of features, whatever their file and their coordinate system."""
