"""The child processes of a director, and the channels to them."""

from typing import Final

HANDOFF_VARIABLE: Final = "HADIRECTOR_HANDOFF"
"""Environment variable that carries a `Handoff` over exec(2)."""
