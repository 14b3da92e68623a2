"""Decides the findings about a host from the facts of an examination."""
