"""The keys of virtual routes and rules."""
