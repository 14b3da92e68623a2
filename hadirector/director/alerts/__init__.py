"""Informs receivers outside of this host of faults and events."""
