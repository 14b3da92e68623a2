"""Virtual routes and rules."""
