"""Translates the blocks of VRRP: instances, sync groups, tracked objects and global settings."""
