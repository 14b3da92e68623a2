"""Decides the effects of a new configuration on a running director."""
