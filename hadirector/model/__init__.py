"""The nouns of a director: its configuration, and the contents of the kernel's IPVS table."""
