"""The API: its socket on this host, and the web process that serves other hosts."""
