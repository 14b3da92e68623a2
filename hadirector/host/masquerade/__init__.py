"""The netfilter rules that masquerade fullnat services."""
