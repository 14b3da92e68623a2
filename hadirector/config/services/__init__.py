"""The keys of a virtual server: its addresses, and how packets reach the real servers."""
