"""Builds the roles and the settings of the web process from the section ``api``."""

from __future__ import annotations

from hadirector.config.api.schema import ApiSection
from hadirector.config.keys.build import build_struct
from hadirector.model.configuration import ApiRoles
from hadirector.model.web import WebSettings


def api_roles(section: ApiSection) -> ApiRoles:
    """Return the groups with roles on the Unix socket."""
    return ApiRoles() if section.roles is None else build_struct(ApiRoles, section.roles)


def web_settings(section: ApiSection) -> WebSettings | None:
    """Return the settings, or None if the file configures no web process."""
    if section.listen is None:
        return None
    address, port = section.listen
    return build_struct(WebSettings, section, address=address, port=port)
