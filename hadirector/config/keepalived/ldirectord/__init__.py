"""Reads ldirectord.cf into a document. Names of hosts and services are resolved elsewhere."""
