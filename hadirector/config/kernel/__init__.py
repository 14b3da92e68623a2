"""Kernel settings besides the IPVS table."""
