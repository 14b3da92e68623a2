"""Converts an IPVS table, saved by `ipvsadm -Sn` or read from the kernel, to a document."""
