"""Runs scripts on this host, with limits on time, rights and output."""
