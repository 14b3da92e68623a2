"""The key ``hosts``: one file for all directors of a group, with the values that differ."""
