"""Reads a configuration in a process of its own."""
