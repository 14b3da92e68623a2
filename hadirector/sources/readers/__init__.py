"""Reads sources: a module for each type."""
