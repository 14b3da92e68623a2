"""Discovery: reads the members of pools from sources, and decides which changes to take."""
