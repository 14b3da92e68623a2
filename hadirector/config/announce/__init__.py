"""The keys of addresses that a routing engine announces."""
