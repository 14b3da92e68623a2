"""Reads a configuration file in a short-lived process of its own."""

from __future__ import annotations

from typing import Final

TEXT_ON_STDIN: Final = "-"
"""Argument of the reading process: read the text from standard input."""
