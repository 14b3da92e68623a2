"""The netfilter rules that masquerade the connections of fullnat services."""
