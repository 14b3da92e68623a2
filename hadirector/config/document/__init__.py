"""Reads YAML into plain values with their places in the file, and words the faults in it."""
