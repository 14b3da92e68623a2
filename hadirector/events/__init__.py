"""The numbered events that ``hadirector events`` prints, and the file that stores them."""
