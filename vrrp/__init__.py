"""VRRP versions 2 and 3 (RFC 3768, 5798, 9568): packets, elections, addresses and announcements.

This package is independent of IPVS, health checks and hadirector.
"""
