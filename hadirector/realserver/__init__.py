"""Configures a host as a real server for the forwarding methods dr and tun."""
