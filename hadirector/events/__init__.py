"""Numbered events and their store."""
