"""VRRP instances."""
