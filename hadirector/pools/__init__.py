"""Decides the weight of each real server, and from the weights the wanted IPVS table."""
