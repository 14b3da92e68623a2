"""Encodes and decodes the messages of IPVS over generic netlink."""
