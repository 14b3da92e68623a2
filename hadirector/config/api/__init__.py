"""The section ``api``: the Unix socket of the API, and the web process for other hosts."""
