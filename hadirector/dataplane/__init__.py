"""Where wanted services become real: kernel IPVS, an embedded relay, or a log line."""
