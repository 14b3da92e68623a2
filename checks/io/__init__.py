"""Performs the conversations of probes: engine, io_uring, epoll, TLS."""
