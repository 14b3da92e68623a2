"""The keys of kernel settings outside the IPVS table: sysctls, timeouts and the sync daemon."""
