"""The summary of a director."""

from __future__ import annotations

from msgspec.structs import replace

from hadirector.overrides.model import Action, Override, RealServerName
from hadirector.sources.status import PoolStatus, SourceStatus
from hadirector.status.report import Status
from hadirector.status.summary import DirectorSummary, summarize
from hadirector.status.verdict import DirectorVerdict, Level
from tests.unit.status.test_verdict import BAD, GOOD, OTHER, STATUS, with_members

VERDICT = DirectorVerdict(Level.OK, "lb1: ACTIVE for web")
DRAIN = Override(name=RealServerName("web", "192.0.2.45:80"), action=Action.DRAIN, author="joe")
WEIGHT = Override(
    name=RealServerName("web", "192.0.2.46:80"), action=Action.WEIGHT, author="joe", weight=5
)
SOURCE = SourceStatus("s", "file", "/s", None, None, "gone", 3.0, (PoolStatus("web", 2, 0),))


def summary(status: Status, *overrides: Override) -> DirectorSummary:
    named = {each.name: each for each in overrides}
    return summarize(replace(status, verdict=VERDICT), "aaaa", {"director": "1"}, named)


def test_a_summary_has_what_all_directors_should_have_in_common() -> None:
    found = summary(replace(STATUS, table_digest="tttt"), WEIGHT, DRAIN)
    assert found == DirectorSummary(
        name="lb1",
        version="0.1.0",
        level=Level.OK,
        reason="lb1: ACTIVE for web",
        configuration="aaaa",
        sections={"director": "1"},
        hash_tables="tttt",
        roles={"instance web": "ACTIVE"},
        overrides={"web/192.0.2.45:80": "drain", "web/192.0.2.46:80": "weight 5"},
        override_count=2,
    )


def test_failing_real_servers_are_named_up_to_a_limit() -> None:
    assert summary(with_members(GOOD, BAD)).failing == ("web/192.0.2.45:80",)
    found = summary(with_members(*[BAD] * 1001))
    assert (len(found.failing), found.failing_count) == (1000, 1001)


def test_the_members_of_a_discovered_pool_have_a_digest_without_order_and_absent_members() -> None:
    status = replace(with_members(GOOD, OTHER), sources=(SOURCE,))
    found = summary(status)
    assert found.sources == {"s": "gone"}
    turned = replace(with_members(OTHER, GOOD, replace(BAD, absent=True)), sources=(SOURCE,))
    assert summary(turned).members == found.members
    fewer = replace(with_members(GOOD), sources=(SOURCE,))
    assert summary(fewer).members != found.members
