"""When a probe is due, and what its result changes."""
