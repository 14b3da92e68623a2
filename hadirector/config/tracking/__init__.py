"""The keys of tracked objects and sync groups."""
