"""Builds the settings of the web process from the section ``api``."""

from __future__ import annotations

from hadirector.config.api.schema import ApiSection
from hadirector.config.keys.build import build_struct
from hadirector.model.web import WebSettings


def web_settings(section: ApiSection) -> WebSettings | None:
    """Return the settings, or None if the file configures no web process."""
    if section.listen is None:
        return None
    address, port = section.listen
    return build_struct(WebSettings, section, address=address, port=port)
