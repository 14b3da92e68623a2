"""The definition of a check (target, probe, options, timing), and the type of its results."""
