"""Readers of tracked files and processes, which run outside the vrrp process."""
