"""The director's side of VRRP: the vrrp process, tracked objects, notify scripts."""
