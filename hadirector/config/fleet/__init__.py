"""The store of summaries in the configuration."""
