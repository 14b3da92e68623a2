"""Decides the faults of a host from the facts of an examination."""
