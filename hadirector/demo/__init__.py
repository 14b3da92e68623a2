"""The demo: a pair of directors, three web servers and a client, with failures."""
