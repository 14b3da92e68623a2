"""Kernel state besides the IPVS table: sysctls, sync daemon, timeouts, and masquerade rules."""
