"""The orders of operators for real servers: drain, disable, and a fixed weight."""
