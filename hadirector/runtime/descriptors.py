"""The limit on file descriptors of this process, and a reserve that clients cannot use.

A process that has used all its descriptors can neither restart a child nor read a configuration.
Every socket of a client is therefore checked against the reserve.
"""

from __future__ import annotations

import errno
import resource
from typing import Final

DIRECTOR_LIMIT: Final = 16_384
"""The soft limit of a director, if the hard limit permits it."""
RELAY_RESERVE: Final = 192
"""Descriptors that the connections of the userspace dataplane leave free."""
API_RESERVE: Final = 96
"""Descriptors that the clients of the API leave free: a reload and four restarts of children."""

EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""Errors that show a shortage on this host, not a fault of the peer (accept(2), socket(2))."""


def raise_limit(most: int) -> int:
    """Raise the soft limit to ``most``, or to a lower hard limit. Return the new limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = max(soft, most if hard == resource.RLIM_INFINITY else min(hard, most))
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return limit


def is_reserved(descriptor: int, reserve: int) -> bool:
    """Return whether a new descriptor belongs to the reserve, so that a client cannot use it.

    The kernel gives a new descriptor the lowest free number, so all lower numbers are in use.
    If the limit is below 512, the reserves are smaller in proportion.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return descriptor >= limit - min(reserve, limit * reserve // 512)
