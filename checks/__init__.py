"""Health checks: probes of targets, and verdicts from their results.

This package depends neither on vrrp nor on hadirector, and contains nothing about IPVS.
"""
