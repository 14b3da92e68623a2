"""Decides the weight of each real server, and the table that follows."""
