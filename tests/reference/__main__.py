"""Writes the tables of keys into docs/configuration.md: ``python -m tests.reference``."""

from __future__ import annotations

from tests.reference.tables import PAGE, render

if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
