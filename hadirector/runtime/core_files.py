"""Prevents core files, which could contain keys and passwords."""

from __future__ import annotations

import resource

NO_CORE = 1
"""A limit of one byte. Unlike zero it also prevents the program in core_pattern (core(5))."""


def forbid() -> None:
    """Set the limit on core files to 0 for this process and its children."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    limit = NO_CORE if hard == resource.RLIM_INFINITY else min(hard, NO_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (limit, hard))
