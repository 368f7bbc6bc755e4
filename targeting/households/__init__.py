"""Buildings and doors: addresses, the voters registered at each, the station each lies in."""
