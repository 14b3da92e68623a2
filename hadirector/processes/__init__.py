"""The processes of a director, and the channels between them."""

HANDOFF_VARIABLE = "HADIRECTOR_HANDOFF"
"""Environment variable that carries a `Handoff` over exec(2)."""
