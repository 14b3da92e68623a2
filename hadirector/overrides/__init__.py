"""The overrides that operators set for real servers: drain, disable, weight."""
