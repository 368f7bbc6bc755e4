"""The walking graph: who is next to whom on foot, and how far."""
