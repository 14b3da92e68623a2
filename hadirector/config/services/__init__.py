"""Virtual servers: where clients connect, and how packets reach the real servers."""
