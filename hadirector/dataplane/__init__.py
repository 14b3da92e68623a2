"""Dataplanes, which forward traffic: IPVS in the kernel, a relay in userspace, or a log only."""
