"""Findings about announced addresses."""

from __future__ import annotations

import pytest

from hadirector.announce.engine_answers import EngineReading, Session
from hadirector.doctor.diagnosis.announcement import AnnouncementFacts, announcement_findings
from hadirector.model.announcement import AnnouncedGroup, Announcement
from hadirector.model.ipvs import Service
from tests.builders import a_configuration, a_virtual_server

CONFIGURATION = a_configuration(
    a_virtual_server(service=Service("mh")),
    announce=Announcement(
        engine="frr",
        groups=(AnnouncedGroup(name="web", addresses=("192.0.2.10",), pools=("web",)),),
    ),
)
UP, DOWN = Session("192.0.2.1", "Established"), Session("192.0.2.2", "Active")
ROUTERS = "note the routers must divide connections"
MH = "note the size of the tables of mh"


def found(facts: AnnouncementFacts) -> list[str]:
    return [f"{each.severity} {each.what}" for each in announcement_findings(CONFIGURATION, facts)]


def test_without_announced_addresses_there_is_no_finding() -> None:
    facts = AnnouncementFacts(engine=EngineReading(fault="absent"), strict=("eth0",))
    assert list(announcement_findings(a_configuration(), facts)) == []


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (AnnouncementFacts(engine=EngineReading((UP,))), []),
        (
            AnnouncementFacts(engine=EngineReading(fault="frr does not answer: x")),
            ["error frr does not answer: x"],
        ),
        (
            AnnouncementFacts(engine=EngineReading((DOWN,))),
            ["error no BGP session of the routing engine is established"],
        ),
        (
            AnnouncementFacts(engine=EngineReading((UP, DOWN))),
            ["warning the BGP session with 192.0.2.2 is Active"],
        ),
        (
            AnnouncementFacts(graceful=("192.0.2.1",)),
            ["warning graceful restart is in use with 192.0.2.1"],
        ),
        (
            AnnouncementFacts(origins={"192.0.2.10": "incomplete", "192.0.2.11": "IGP"}),
            ["warning 192.0.2.10 has the BGP origin incomplete"],
        ),
        (AnnouncementFacts(strict=("eth0",)), ["warning rp_filter is 1 (strict) on eth0"]),
        (
            AnnouncementFacts(connection_table_bits=12),
            ["note the connection table of IPVS has 4096 buckets"],
        ),
        (AnnouncementFacts(connection_table_bits=20), []),
    ],
)
def test_a_finding(facts: AnnouncementFacts, expected: list[str]) -> None:
    lines = found(facts)
    assert [
        line[: len(begin)] for line, begin in zip(lines, [*expected, MH, ROUTERS], strict=True)
    ] == [*expected, MH, ROUTERS]


def test_the_size_of_the_tables_of_mh_is_named() -> None:
    [mh, _] = announcement_findings(CONFIGURATION, AnnouncementFacts(mh_table_bits="16"))
    assert mh.what.endswith("(CONFIG_IP_VS_MH_TAB_INDEX) is 16")
