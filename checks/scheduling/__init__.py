"""Decides when each probe begins, and what its result changes."""
