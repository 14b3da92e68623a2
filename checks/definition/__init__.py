"""What a check is: its type, options and results."""
