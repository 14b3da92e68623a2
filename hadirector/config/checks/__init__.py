"""The checks of real servers: their keys, rules and definitions."""
