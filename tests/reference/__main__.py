"""Writes the generated parts of docs and configs: ``python -m tests.reference``."""

from __future__ import annotations

from tests.reference import anchors, api, dashboard, tables

if __name__ == "__main__":
    tables.PAGE.write_text(tables.render(tables.PAGE.read_text("utf-8")), encoding="utf-8")
    api.PAGE.write_text(api.render(api.PAGE.read_text("utf-8")), encoding="utf-8")
    api.write_document()
    anchors.write()
    dashboard.FILE.write_text(dashboard.render(), encoding="utf-8")
