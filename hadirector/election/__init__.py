"""VRRP in the director: control of the vrrp process, tracked objects, and fitness to serve."""
