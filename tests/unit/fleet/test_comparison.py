"""The differences between the directors of a fleet."""

from __future__ import annotations

from msgspec.structs import replace

from checks.definition.result import Verdict
from hadirector.fleet.comparison import FleetDifference, Opinion, compare, read_opinions
from hadirector.status.summary import DirectorSummary
from hadirector.status.verdict import Level

LB1 = DirectorSummary(
    name="lb1",
    version="0.2.0",
    level=Level.OK,
    reason="lb1: serving",
    configuration="aaaa",
    sections={"director": "1", "virtual_server/web": "2"},
    hash_tables="tttt",
    roles={"group web": "announced"},
)
LB2 = replace(LB1, name="lb2", roles={"group web": "reluctant"}, level=Level.DEGRADED)
LB3 = replace(LB1, name="lb3")


def test_roles_and_levels_are_no_difference() -> None:
    assert compare({"lb1": LB1, "lb2": LB2, "lb3": LB3}) == ()


def test_the_few_differ_from_the_many_and_the_sections_are_named() -> None:
    other = replace(
        LB1,
        configuration="bbbb",
        sections={"director": "1", "virtual_server/web": "9", "pair": "3"},
    )
    assert compare({"lb1": other, "lb2": LB2, "lb3": LB3}) == (
        FleetDifference(
            "configuration",
            (Opinion("aaaa", ("lb2", "lb3")), Opinion("bbbb", ("lb1",))),
            ("lb1",),
            "pair, virtual_server/web",
        ),
    )


def test_with_a_tie_all_directors_differ() -> None:
    [difference] = compare({"lb1": LB1, "lb2": replace(LB2, version="0.3.0")})
    assert difference.subject == "version"
    assert difference.differing == ("lb1", "lb2")


def test_a_director_without_hash_tables_does_not_differ_in_them() -> None:
    assert compare({"lb1": LB1, "lb2": replace(LB2, hash_tables="")}) == ()
    [difference] = compare({"lb1": LB1, "lb2": replace(LB2, hash_tables="u"), "lb3": LB3})
    assert (difference.subject, difference.differing) == ("hash tables", ("lb2",))


def test_overrides_verdicts_and_members_are_compared_by_name() -> None:
    other = replace(
        LB3,
        overrides={"web/192.0.2.45:80": "drain"},
        failing=("web/192.0.2.46:80",),
        members={"web": "m"},
    )
    found = compare({"lb1": LB1, "lb2": LB2, "lb3": other})
    assert [(each.subject, each.opinions, each.differing) for each in found] == [
        ("members web", (Opinion("none", ("lb1", "lb2")), Opinion("m", ("lb3",))), ("lb3",)),
        (
            "override web/192.0.2.45:80",
            (Opinion("none", ("lb1", "lb2")), Opinion("drain", ("lb3",))),
            ("lb3",),
        ),
        (
            "check web/192.0.2.46:80",
            (Opinion("not failing", ("lb1", "lb2")), Opinion("failing", ("lb3",))),
            ("lb3",),
        ),
    ]


def test_another_name_than_in_the_inventory_is_a_difference() -> None:
    [difference] = compare({"lb9": LB1})
    assert (difference.subject, difference.differing) == ("name", ("lb9",))


def test_the_reading_counts_the_directors_that_were_asked() -> None:
    failing = {f"lb{number}": Verdict.FAILING for number in range(3)}
    passing = {f"lb{number}": Verdict.PASSING for number in range(3, 16)}
    assert read_opinions(failing | passing, 16) == "3 of 16 see it failing"
    assert (
        read_opinions({**failing, "lb4": Verdict.UNKNOWN}, 6)
        == "3 of 6 see it failing (1 do not know, 2 did not answer)"
    )
