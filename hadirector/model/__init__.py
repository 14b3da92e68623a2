"""The values of a director: its configuration, and the contents of the IPVS table."""
