"""Runs scripts of this host, limited in time, rights and output.

Knows nothing of what they are run for: imports neither vrrp, checks nor hadirector.
"""
