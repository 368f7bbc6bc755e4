"""Files brought in: read apart, checked, put in place."""
