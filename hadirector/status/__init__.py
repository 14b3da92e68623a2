"""Describes a running director: its status, the explanation of a weight, and its metrics."""
