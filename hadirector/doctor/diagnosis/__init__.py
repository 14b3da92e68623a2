"""Decides what is wrong with a host, from the facts of an examination."""
