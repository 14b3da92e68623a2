"""Decides which weight each real server gets."""
