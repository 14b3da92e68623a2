"""Runs scripts of this host, limited in time, rights and output; knows nothing of what for."""
