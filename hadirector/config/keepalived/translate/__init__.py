"""Turns the statements of each block into sections of the native form."""
