"""Reads tracked files and finds tracked processes. This runs outside the vrrp process."""
