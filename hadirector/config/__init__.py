"""Reads a configuration file into the validated model, or says everything that is wrong with it."""
