"""The bytes of IPVS over generic netlink."""
