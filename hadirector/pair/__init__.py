"""The states that directors of a pair exchange, and the conclusions from them. Pure."""
