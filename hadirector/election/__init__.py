"""The director's side of VRRP: the election, tracked objects, notify scripts."""
