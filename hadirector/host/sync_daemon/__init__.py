"""The threads of IPVS's connection synchronization daemon."""
