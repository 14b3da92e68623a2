"""The nouns of a director: what is configured, and what the kernel holds."""
