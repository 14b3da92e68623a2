"""Plain values: the configuration of a director, and the contents of the IPVS table."""
