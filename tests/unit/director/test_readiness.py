"""The readiness of a director: what follows from it with and without a pair link."""

from __future__ import annotations

from pathlib import Path

from hadirector.director.readiness import Knowledge
from hadirector.model.policy import READINESS
from tests.unit.director.seam import Seam, configuration


async def test_without_a_pair_link_nothing_follows_from_the_readiness(tmp_path: Path) -> None:
    parts = Seam(configuration(tmp_path, 1.0)).parts
    parts.readiness.look(Knowledge(linked=False))
    assert parts.readiness.status is None
    assert parts.readiness.facts == ()
    assert READINESS not in parts.election.tracked


async def test_with_a_pair_link_an_unready_director_does_not_preempt(tmp_path: Path) -> None:
    """Its elections have not begun, and it relies on no peer, so its priority stays."""
    parts = Seam(configuration(tmp_path, 1.0)).parts
    parts.readiness.look(Knowledge(linked=True))
    found = parts.readiness.status
    assert found is not None
    assert (found.ready, found.priority_lowered, found.may_preempt) == (False, False, False)
    assert "instance_starting" in {lack.code for lack in found.lacks}
