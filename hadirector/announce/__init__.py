"""Addresses for a routing engine to announce: which of them, on which device, and for how long."""
