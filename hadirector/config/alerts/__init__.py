"""The section ``alerts``: receivers outside of this host."""
