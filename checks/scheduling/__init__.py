"""When a probe begins, and the effects of its result."""
