"""Commands at once against one workspace: `python -m tests.races --engine sqlite --seeds 20`."""
