"""The values of VRRP: the configuration of an instance, and its reports."""
