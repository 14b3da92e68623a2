"""Converts the statements of each block to sections of the native configuration."""
