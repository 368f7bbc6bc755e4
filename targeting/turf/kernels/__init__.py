"""The compiled loops of turf cutting."""
