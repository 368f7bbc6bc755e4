"""Official files brought from the hosts that publish them."""
