"""How a configuration key is declared and its value read."""
