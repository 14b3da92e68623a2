"""The keys of a pool: its policies, its real servers, and its sorry server."""
