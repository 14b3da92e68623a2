"""Reads the text of a keepalived.conf and of the files that it includes into statements."""
