"""Static addresses, routes and rules."""
