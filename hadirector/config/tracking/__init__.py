"""What VRRP instances depend on, sync groups and notify scripts."""
