"""What is configured for an instance, and what it reports."""
