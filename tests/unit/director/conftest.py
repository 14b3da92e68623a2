"""The director that the tests of its messages begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.director.seam import ONE, PASSED, Seam, configuration


@pytest.fixture
async def seam(tmp_path: Path) -> Seam:
    """A director with one passing real server, and a second one without a verdict."""
    made = Seam(configuration(tmp_path, 2.0))
    made.dispatcher.adopt({})
    await made.verdict(ONE, PASSED)
    return made
