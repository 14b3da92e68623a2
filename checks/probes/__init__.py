"""The probes: one module for each type or family of types."""
