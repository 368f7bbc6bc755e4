"""What canvassers carry, and what comes back."""
