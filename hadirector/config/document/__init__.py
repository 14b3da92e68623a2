"""Reads YAML into plain values with their places in the file, and describes the faults in it."""
