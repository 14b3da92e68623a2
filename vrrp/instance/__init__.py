"""A running VRRP instance: it passes events to its router, and performs the router's actions."""
