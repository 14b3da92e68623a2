"""The keys of kernel settings besides the IPVS table: sysctls, timeouts, sync daemon."""
