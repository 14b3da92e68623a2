"""Observes the VRRP routers on the links of a host. It sends nothing and changes nothing."""
