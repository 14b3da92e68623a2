"""What the tests of the configuration share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hadirector.config.document.errors import ConfigError
from hadirector.config.loader import parse


@pytest.fixture
def faults_of() -> Callable[[str], list[str]]:
    """Return the faults of a file named f with this text, without its name."""

    def faults(text: str) -> list[str]:
        try:
            parse(text.encode(), "f", "host")
        except ConfigError as error:
            return [str(fault).removeprefix("f:") for fault in error.faults]
        return []

    return faults
