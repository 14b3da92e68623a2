"""Health checks: probes of a target, and the judgement of rise and fall.

Knows nothing of IPVS, VRRP or hadirector.
"""
