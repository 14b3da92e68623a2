"""Reads YAML into values with their places, and words what is wrong with them."""
