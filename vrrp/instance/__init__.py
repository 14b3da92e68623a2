"""One VRRP instance at work."""
