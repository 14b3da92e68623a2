"""The policies of a pool."""
