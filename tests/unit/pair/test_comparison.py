"""The differences between two directors, and how long they have lasted."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from hadirector.pair.comparison import (
    Difference,
    DifferenceKind,
    LastingDifference,
    find_differences,
    follow,
)
from hadirector.pair.state import (
    ConfigurationHashes,
    ConnectionSync,
    InstanceState,
    PairState,
    PauseState,
    RegisterGroup,
    SharedOverrides,
    VirtualServerState,
)

WEB = VirtualServerState("web", 3, 3, "aa", "bb", "cc", 412)
OURS = PairState(
    name="lb1",
    version="1.2.0",
    configuration=ConfigurationHashes("11", {"director": "22", "virtual_server/web": "33"}),
    instances=(InstanceState(name="web", vrid=51, interface="eth0", priority=200),),
    virtual_servers=(WEB,),
    overrides=SharedOverrides(),
    connection_sync=ConnectionSync("eth1", master=True, sync_id=7),
)
THEIRS = replace(
    OURS,
    name="lb2",
    instances=(InstanceState(name="web", vrid=51, interface="bond0", priority=100),),
    virtual_servers=(replace(WEB, connections=0),),
    connection_sync=ConnectionSync("bond1", backup=True, sync_id=7),
)
DRAINED = SharedOverrides(
    groups=(RegisterGroup(("web/10.0.0.22",), 4, "lb2", action="drain", author="ann"),)
)
PAUSE = PauseState("ann", "kernel", seconds_left=60.0)


def differences(clock_skew: float = 0.0, **fields: Any) -> list[Difference]:
    return [*find_differences(OURS, replace(THEIRS, **fields), clock_skew)]


def test_two_directors_with_other_roles_do_not_differ() -> None:
    assert differences() == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"version": "1.1.9"}, Difference(DifferenceKind.VERSION, "", "1.2.0", "1.1.9")),
        (
            {"configuration": ConfigurationHashes("12", {"director": "22"})},
            Difference(DifferenceKind.CONFIGURATION, "virtual_server/web", "33", "none"),
        ),
        (
            {"instances": (InstanceState(name="web", vrid=52),)},
            Difference(DifferenceKind.INSTANCE, "web", "VRID 51", "VRID 52"),
        ),
        (
            {"instances": (THEIRS.instances[0], InstanceState(name="mail", vrid=52))},
            Difference(DifferenceKind.INSTANCE, "mail", "none", "VRID 52"),
        ),
        ({"pause": PAUSE}, Difference(DifferenceKind.PAUSE, "", "none", "paused by ann: kernel")),
        (
            {"virtual_servers": (VirtualServerState("web", 2, 3, "ab", "bc", "cd"),)},
            Difference(DifferenceKind.VERDICTS, "web", "3 of 3 pass", "2 of 3 pass"),
        ),
        (
            {"virtual_servers": (VirtualServerState("web", 3, 3, "aa", "bc", "cd"),)},
            Difference(DifferenceKind.WANTED, "web", "bb", "bc"),
        ),
        (
            {"virtual_servers": (VirtualServerState("web", 3, 3, "aa", "bb", "cd"),)},
            Difference(DifferenceKind.ACTUAL, "web", "cc", "cd"),
        ),
        (
            {"connection_sync": ConnectionSync("bond1", backup=True, sync_id=8)},
            Difference(DifferenceKind.CONNECTION_SYNC, "", "master, id 7", "backup, id 8"),
        ),
        (
            {"connection_sync": ConnectionSync("bond1", sync_id=7)},
            Difference(DifferenceKind.CONNECTION_SYNC, "", "master, id 7", "not running, id 7"),
        ),
        (
            {"overrides": DRAINED},
            Difference(DifferenceKind.OVERRIDE, "web/10.0.0.22", "none", "drain by ann"),
        ),
        (
            {"connection_sync": None},
            Difference(DifferenceKind.CONNECTION_SYNC, "", "master, id 7", "none"),
        ),
    ],
)
def test_a_difference(fields: dict[str, Any], expected: Difference) -> None:
    assert differences(**fields) == [expected]


@pytest.mark.parametrize(
    ("skew", "text"), [(2.5, "2.5 s ahead"), (-60.0, "60.0 s behind"), (-1.9, None)]
)
def test_a_difference_of_the_clocks(skew: float, text: str | None) -> None:
    expected = [] if text is None else [Difference(DifferenceKind.CLOCK, "", "", text)]
    assert differences(skew) == expected


def test_verdicts_of_a_virtual_server_with_another_configuration_are_not_compared() -> None:
    found = differences(
        configuration=ConfigurationHashes("12", {"director": "22", "virtual_server/web": "34"}),
        virtual_servers=(VirtualServerState("web", 1, 2, "ab", "bc", "cd"),),
    )
    assert [each.kind for each in found] == [DifferenceKind.CONFIGURATION]


@pytest.mark.parametrize(
    "overrides",
    [
        None,
        replace(DRAINED, complete=False),
        SharedOverrides(groups=(replace(DRAINED.groups[0], action="removed"),)),
    ],
)
def test_overrides_are_compared_if_all_are_known(overrides: SharedOverrides | None) -> None:
    assert differences(overrides=overrides) == []


def test_a_director_that_has_just_started_is_not_compared() -> None:
    assert differences(configuration=ConfigurationHashes()) == []
    assert differences(instances=()) == []


def test_a_difference_has_the_age_of_its_first_sight() -> None:
    first, later = (
        Difference(DifferenceKind.VERDICTS, "web", "3", "2"),
        Difference(DifferenceKind.VERDICTS, "web", "3", "1"),
    )
    known = follow((), "lb2", [first], 100.0)
    assert follow(known, "lb2", [later], 109.0) == (LastingDifference("lb2", later, 100.0),)
    assert follow(known, "lb3", [later], 109.0) == (LastingDifference("lb3", later, 109.0),)
    assert follow(follow(known, "lb2", [], 105.0), "lb2", [later], 109.0)[0].since == 109.0


@pytest.mark.parametrize(
    ("kind", "seconds", "fault"),
    [
        (DifferenceKind.VERDICTS, 9.9, False),
        (DifferenceKind.VERDICTS, 10.0, True),
        (DifferenceKind.CONFIGURATION, 0.0, True),
    ],
)
def test_other_verdicts_are_usual_for_a_moment(
    kind: DifferenceKind, seconds: float, fault: bool
) -> None:
    lasting = LastingDifference("lb2", Difference(kind, "web", "a", "b"), 100.0)
    assert lasting.is_fault(100.0 + seconds) is fault
