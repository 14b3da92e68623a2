"""Tracked objects of VRRP instances, sync groups and notify scripts."""
