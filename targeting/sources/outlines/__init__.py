"""Where stations stand: outlines and points."""
