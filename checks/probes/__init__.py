"""The probes: each module performs one type of probe, or a few related types."""
