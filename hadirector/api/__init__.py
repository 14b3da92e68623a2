"""The API of a running director, over HTTP on a Unix socket."""
