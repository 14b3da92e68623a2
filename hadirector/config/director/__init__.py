"""The sections ``director`` and ``api`` of the configuration."""
