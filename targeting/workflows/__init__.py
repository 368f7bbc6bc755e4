"""What the command line and the screens both call: read, compute, keep, tell."""
