"""Dataplanes apply the wanted services: kernel IPVS, a userspace relay, or a dry run that logs."""
