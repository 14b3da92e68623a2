"""The declaration of configuration keys, and the readers of their values."""
