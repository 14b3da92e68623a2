"""Converts a ldirectord.cf to a document. Host and service names are looked up elsewhere."""
