"""The threads of the IPVS sync daemon, which copies connections to other directors."""
