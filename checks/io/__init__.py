"""Performs probes: the engine, sockets, connections and TLS."""
