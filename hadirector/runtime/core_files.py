"""Core files: a process that holds keys and passwords writes none."""

from __future__ import annotations

import resource

NO_CORE = 1
"""A limit of one byte. Unlike zero it also prevents the program in core_pattern (core(5))."""


def forbid() -> None:
    """Limit the size of core files of this process and its children to nothing."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    limit = NO_CORE if hard == resource.RLIM_INFINITY else min(hard, NO_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (limit, hard))
