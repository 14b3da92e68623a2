"""The virtual router of RFC 9568 section 6.4 and its helpers."""
