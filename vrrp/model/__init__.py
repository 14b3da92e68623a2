"""The configuration of an instance and the reports of a running instance, as plain values."""
