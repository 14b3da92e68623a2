"""The checks of real servers."""
