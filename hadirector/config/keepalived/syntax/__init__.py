"""Parses the text of a keepalived.conf and of its included files into statements."""
