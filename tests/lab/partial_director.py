"""A director that has only the parts that a test of the API needs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from hadirector.director.director import Director


def director_with(**parts: Any) -> Director:
    """Return a director with these attributes, whose configuration is never replaced."""
    return cast("Director", SimpleNamespace(follow_roles=lambda _change: None, **parts))
