"""What an ACTIVE instance holds: addresses, routes, macvlan interfaces."""
