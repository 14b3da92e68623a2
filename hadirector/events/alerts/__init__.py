"""Alerts: the conditions that receivers are informed of, and the messages about them."""
