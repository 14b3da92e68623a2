"""A running VRRP instance: it drives its router, and performs the router's actions."""
