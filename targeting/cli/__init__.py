"""The command line: `python -m targeting`."""
