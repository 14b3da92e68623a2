"""What the tests in network namespaces share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hadirector.lab.topology import Network


@pytest.fixture
def network() -> Iterator[Network]:
    """An empty bridge, removed with all its hosts after the test."""
    with Network() as made:
        yield made
