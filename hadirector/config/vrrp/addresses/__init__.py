"""The keys of virtual addresses."""
