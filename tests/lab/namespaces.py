"""Entering the network namespaces of lab hosts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from pyroute2 import netns

from hadirector.lab.topology import Host


@contextlib.contextmanager
def inside(host: Host) -> Iterator[None]:
    """Run the block in the namespace of a host."""
    netns.pushns(host.namespace)
    try:
        yield
    finally:
        netns.popns()
