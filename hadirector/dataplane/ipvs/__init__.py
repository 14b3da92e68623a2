"""The kernel IPVS dataplane, over generic netlink."""
