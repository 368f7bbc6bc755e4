"""What is said of a station, and of several: the answer, how sure, the reasons, the past."""
