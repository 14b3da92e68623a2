"""The sources of discovery in the configuration."""
