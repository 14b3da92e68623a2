"""Reads the table of IPVS, as `ipvsadm -Sn` saves it or as the kernel gives it, into a document."""
