"""Observes the VRRP routers on the links of a host: sends nothing, and changes nothing."""
