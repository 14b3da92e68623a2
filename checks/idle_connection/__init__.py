"""Idle connections to targets, whose end is a hint that a target may have failed."""
