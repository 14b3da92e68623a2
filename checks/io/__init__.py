"""Input and output of probes: sockets, connections, TLS, and the engine that runs conversations."""
