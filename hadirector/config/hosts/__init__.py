"""One file for the directors of a pair: the values that differ between them."""
