"""Suspicions in the director: what it tells its peers, and what it lets its workers probe."""

from __future__ import annotations

import pytest

from hadirector.director.suspecting import Suspecting
from hadirector.health.verdicts import Health
from hadirector.model.configuration import RealServer
from hadirector.model.ipvs import DestinationKey
from hadirector.pair.state import Suspicions
from hadirector.status.suspicion_status import SuspicionStatus
from tests.builders import a_check, a_configuration, a_virtual_server

KEY = DestinationKey("192.0.2.45", 80)
CHECK = a_check(KEY)


@pytest.fixture
def hinted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return []


@pytest.fixture
def suspecting(monkeypatch: pytest.MonkeyPatch, hinted: list[str]) -> Suspecting:
    async def put(_message: object) -> None:
        pass

    server = a_virtual_server(RealServer(key=KEY, check=CHECK))
    health = Health(a_configuration(server), put)
    monkeypatch.setattr(health.workers, "hint", hinted.extend)
    return Suspecting(health)


async def test_a_failed_probe_is_told_to_the_peers(suspecting: Suspecting) -> None:
    suspecting.note("removed by a reload", 100.0)
    assert suspecting.current(100.0) == Suspicions()
    suspecting.note(CHECK.identity, 100.0)
    assert suspecting.current(100.0) == Suspicions(1, (CHECK.identity,))


async def test_a_blind_director_tells_nothing(suspecting: Suspecting) -> None:
    suspecting._health.blindness.blind = True
    suspecting.note(CHECK.identity, 100.0)
    assert suspecting.current(100.0) == Suspicions()


async def test_a_suspicion_of_a_peer_causes_a_probe(
    suspecting: Suspecting, hinted: list[str]
) -> None:
    suspecting.follow("lb2", "x", Suspicions(), 100.0)
    suspecting.follow("lb2", "x", Suspicions(2, ("unknown", CHECK.identity)), 101.0)
    suspecting.follow("lb2", "x", Suspicions(2, ("unknown", CHECK.identity)), 102.0)
    assert hinted == [CHECK.identity]
    assert suspecting.status == SuspicionStatus(sent=0, probed=1, refused=1)
