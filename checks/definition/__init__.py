"""The definition of a check: the type of its probe, its options and its results."""
