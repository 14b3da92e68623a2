"""Virtual addresses."""
