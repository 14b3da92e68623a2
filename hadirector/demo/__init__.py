"""The demo: two directors, three web servers and a client."""
