"""Streets as their files give them."""
