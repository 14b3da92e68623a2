"""The keys of VRRP instances."""
