"""The dataplane that uses IPVS in the kernel, over generic netlink."""
