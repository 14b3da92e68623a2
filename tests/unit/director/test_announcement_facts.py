"""The facts from which the announcer decides."""

from __future__ import annotations

import pytest

from hadirector.director.announcing import _passing
from hadirector.model.announcement import AnnouncedGroup, Announcement
from hadirector.model.configuration import DiscoveredServers, RealServer
from hadirector.model.ipvs import DestinationKey
from hadirector.pools.decision import Judgement
from tests.builders import a_configuration, a_virtual_server

ONE = RealServer(key=DestinationKey("10.0.0.1", 80), weight=10)
TWO = RealServer(key=DestinationKey("10.0.0.2", 80), weight=10)
ABSENT = RealServer(key=DestinationKey("10.0.0.3", 80), weight=80, source="members", absent=True)
RESERVE = RealServer(key=DestinationKey("10.0.0.4", 80), weight=80, reserve=True)
DISCOVERED = DiscoveredServers(source="members", template=ONE)


@pytest.mark.parametrize(
    ("real_servers", "discovered", "passing", "percent"),
    [
        ((ONE, TWO), (), 10, 50.0),
        ((ONE, TWO, ABSENT, RESERVE), (DISCOVERED,), 10, 50.0),
        ((), (), 0, 100.0),
        ((), (DISCOVERED,), 0, 0.0),
        ((ABSENT,), (DISCOVERED,), 0, 0.0),
    ],
    ids=["half", "absent and reserve", "empty", "never read", "all absent"],
)
def test_the_passing_part_of_the_weight_that_can_serve(
    real_servers: tuple[RealServer, ...],
    discovered: tuple[DiscoveredServers, ...],
    passing: int,
    percent: float,
) -> None:
    server = a_virtual_server(*real_servers, discovered=discovered)
    group = AnnouncedGroup(name="web", addresses=("192.0.2.10",), pools=("web",))
    configuration = a_configuration(server, announce=Announcement(groups=(group,)))
    judgements = {"web": Judgement({}, None, None, passing)}
    assert dict(_passing(configuration, judgements)) == {"web": percent}
