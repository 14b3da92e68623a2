"""The weights that follow from quorum, sorry server, backup tiers and overrides, with reasons."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from checks.definition.options import ScriptProbe
from checks.definition.result import Verdict
from hadirector.model.configuration import OnFailure, RealServer, VirtualServer
from hadirector.model.ipvs import DestinationKey, Service
from hadirector.overrides.model import Action, Override, RealServerName
from hadirector.pools.candidate import Step
from hadirector.pools.decision import Judgement, has_quorum, judge
from hadirector.pools.entries import wanted_entries
from hadirector.pools.facts import Facts
from tests.builders import a_virtual_server
from tests.unit.pools.builders import facts, pool_weights, real_server

PASSING, FAILING, UNKNOWN = Verdict.PASSING, Verdict.FAILING, Verdict.UNKNOWN


def pool(*real_servers: RealServer, quorum: int = 1, hysteresis: int = 0) -> VirtualServer:
    """A pool of these, with a sorry server that is checked as "9"."""
    return a_virtual_server(
        *real_servers, quorum=quorum, hysteresis=hysteresis, sorry_server=real_server(9)
    )


def verdicts(**of: Verdict) -> Facts:
    """The verdicts on the servers, by "_NUMBER"."""
    return facts({name.removeprefix("_"): verdict for name, verdict in of.items()})


def weights(judgement: Judgement) -> list[int | None]:
    """The weight of each real server, and then of the sorry server."""
    assert judgement.sorry is not None
    return [*pool_weights(judgement), judgement.sorry[-1].weight]


PAIR = pool(real_server(1, 3), real_server(2, 2))


def test_without_a_quorum_the_sorry_server_serves_and_the_pool_does_not() -> None:
    """A server that still passes keeps its connections at weight 0."""
    server = pool(real_server(1, 3), real_server(2, 2), quorum=4)
    assert weights(judge(server, verdicts(_1=PASSING, _2=PASSING, _9=PASSING), None)) == [
        3,
        2,
        None,
    ]
    lost = judge(server, verdicts(_1=PASSING, _2=FAILING, _9=PASSING), True)
    assert weights(lost) == [0, None, 1]
    assert lost.derivations[DestinationKey("192.0.2.1", 80)] == (
        Step(3, "configured"),
        Step(3, "passing"),
        Step(0, "no quorum: the sorry server serves"),
    )


def test_a_failing_sorry_server_is_not_used() -> None:
    """The rest of the pool serves."""
    server = pool(real_server(1, 3), real_server(2, 2), quorum=4)
    assert weights(judge(server, verdicts(_1=PASSING, _2=FAILING, _9=FAILING), True)) == [
        3,
        None,
        None,
    ]


def test_the_sorry_server_is_not_used_before_every_server_has_a_verdict() -> None:
    """Otherwise clients would see the sorry page during a start."""
    judgement = judge(PAIR, verdicts(_1=UNKNOWN, _2=FAILING, _9=PASSING), None)
    assert weights(judgement) == [None, None, None]
    assert judgement.quorum is None
    assert judge(PAIR, verdicts(_1=FAILING, _2=FAILING, _9=PASSING), None).quorum is False


@pytest.mark.parametrize(
    ("passing", "before", "expected"),
    [
        (10, None, True),
        (9, None, False),
        (7, True, True),
        (6, True, False),
        (12, False, False),
        (13, False, True),
        (0, True, False),
    ],
)
def test_hysteresis_is_around_the_quorum(passing: int, before: bool | None, expected: bool) -> None:
    """Of quorum 10 and hysteresis 3: lost below 7, reached at 13; at first 10 decides."""
    assert has_quorum(passing, 10, 3, before=before, known=True) is expected


def test_a_pool_without_a_passing_server_has_no_quorum_whatever_the_hysteresis() -> None:
    assert has_quorum(0, 2, 1, before=True, known=True) is False


def test_a_backup_tier_serves_while_the_tiers_before_it_lack_the_quorum() -> None:
    """Tier by tier; a tier on standby has weight 0."""
    server = pool(
        real_server(1, 2), real_server(2, 2), real_server(3, 5, 1), real_server(4, 7, 2), quorum=4
    )
    all_pass = {"_3": PASSING, "_4": PASSING, "_9": PASSING}
    assert weights(judge(server, verdicts(_1=PASSING, _2=PASSING, **all_pass), None)) == [
        2,
        2,
        0,
        0,
        None,
    ]
    assert weights(judge(server, verdicts(_1=PASSING, _2=FAILING, **all_pass), None)) == [
        2,
        None,
        5,
        0,
        None,
    ]
    third = verdicts(_1=FAILING, _2=FAILING, _3=FAILING, _4=PASSING, _9=PASSING)
    assert weights(judge(server, third, None)) == [None, None, None, 7, None]


def test_under_zero_weight_a_failing_server_stays_at_weight_0() -> None:
    server = a_virtual_server(
        *PAIR.real_servers, keys=PAIR.keys, service=Service("mh"), on_failure=OnFailure.ZERO_WEIGHT
    )
    judgement = judge(server, verdicts(_1=FAILING, _2=UNKNOWN), None)
    assert pool_weights(judgement) == [0, 0]


POOLS = st.builds(
    lambda servers, quorum, hysteresis: pool(
        *(real_server(n + 1, weight, tier) for n, (weight, tier) in enumerate(servers)),
        quorum=quorum,
        hysteresis=min(hysteresis, quorum - 1),
    ),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=5),
    st.integers(1, 8),
    st.integers(0, 7),
)
FACTS = st.lists(st.sampled_from(Verdict), min_size=9, max_size=9).map(
    lambda found: facts({str(n + 1): verdict for n, verdict in enumerate(found)})
)
BEFORE = st.sampled_from([None, True, False])


@given(POOLS, FACTS, BEFORE)
def test_only_passing_servers_serve_whatever_the_verdicts(
    server: VirtualServer, known: Facts, before: bool | None
) -> None:
    """The pool is empty only if no server with a weight passes, or the sorry server serves."""
    judgement = judge(server, known, before)
    serving = {key for key, steps in judgement.derivations.items() if steps[-1].weight}
    passing = {
        member.key
        for member in server.real_servers
        if member.check and known.target(member.check).verdict is PASSING and member.weight
    }
    assert serving <= passing
    assert judgement.sorry is not None
    if judgement.sorry[-1].weight:
        assert not serving
        assert known.targets["9"].verdict is PASSING
        assert judgement.quorum is False
    else:
        assert bool(serving) == bool(passing)


@given(POOLS, st.lists(FACTS, max_size=6))
def test_the_quorum_moves_only_past_its_hysteresis(
    server: VirtualServer, history: list[Facts]
) -> None:
    """The two thresholds hold for any sequence of verdicts."""
    had: bool | None = None
    for known in history:
        judgement = judge(server, known, had)
        if judgement.quorum is True:
            assert judgement.passing >= max(server.quorum - server.hysteresis, 1)
        if judgement.quorum is False and had is not None:
            assert judgement.passing < server.quorum + server.hysteresis
        had = had if judgement.quorum is None else judgement.quorum


NAME = RealServerName("web", "192.0.2.1:80")


def overridden(action: Action, weight: int = 0, ended: str = "", first: Verdict = PASSING) -> Facts:
    """The first server of a pair has this override, and the second one passes."""
    override = Override(name=NAME, action=action, weight=weight, ended=ended, author="ann")
    return facts({"1": first, "2": PASSING, "9": PASSING}, overrides={NAME: override})


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (overridden(Action.DRAIN), [0, 2, None]),
        (overridden(Action.DRAIN, ended="at last"), [None, 2, None]),
        (overridden(Action.DISABLE), [None, 2, None]),
        (overridden(Action.WEIGHT, 9), [9, 2, None]),
        (overridden(Action.WEIGHT, 0), [0, 2, None]),
    ],
)
def test_an_override_decides_the_weight(known: Facts, expected: list[int | None]) -> None:
    """A draining server has weight 0 until the drain ends."""
    assert weights(judge(PAIR, known, None)) == expected


def test_a_server_that_an_operator_took_out_does_not_count_towards_the_quorum() -> None:
    server = pool(real_server(1, 3), real_server(2, 2), quorum=4)
    assert judge(server, overridden(Action.DRAIN), True).quorum is False
    assert judge(server, overridden(Action.WEIGHT, 2), True).quorum is True


def test_a_weight_override_never_enables_a_failing_server() -> None:
    failing = overridden(Action.WEIGHT, 9, first=FAILING)
    assert weights(judge(PAIR, failing, None)) == [None, 2, None]


@pytest.mark.parametrize(
    ("weight", "percent", "given"),
    [
        (10, 75, 7),
        (10, 0, 0),
        (1, 1, 1),
        (0, 100, 0),
        (10, 200, 20),
        (65535, 1000, 65535),
    ],
)
def test_a_passing_server_gets_the_part_of_its_weight_that_it_requests(
    weight: int, percent: int, given: int
) -> None:
    """A small part is not rounded to 0, and no part exceeds the limit of the kernel."""
    known = facts({"1": PASSING}, weights={"1": percent})
    server = pool(real_server(1, weight))
    (steps,) = judge(server, known, True).derivations.values()
    assert steps[2] == Step(given, f"requests {percent} %")


@pytest.mark.parametrize("configured", [0, 1, 200])
def test_an_exit_weight_replaces_the_configured_weight(configured: int) -> None:
    """It is not a percentage."""
    given = real_server(1, configured)
    assert given.check is not None
    check = replace(given.check, probe=ScriptProbe(script="/s", exit_weight=True))
    server = pool(replace(given, check=check))
    (steps,) = judge(server, facts({"1": PASSING}, weights={"1": 253}), True).derivations.values()
    assert steps[2] == Step(253, "requests the weight 253")
    assert pool_weights(judge(server, facts({"1": PASSING}), True)) == [configured]


def test_a_requested_weight_changes_neither_a_failing_server_nor_a_weight_override() -> None:
    override = Override(name=NAME, action=Action.WEIGHT, author="root", weight=5)
    server = pool(real_server(1, 10))
    failing = judge(server, facts({"1": FAILING}, weights={"1": 50}), True)
    known = facts({"1": PASSING}, overrides={NAME: override}, weights={"1": 50})
    assert pool_weights(failing) == [None]
    assert pool_weights(judge(server, known, True)) == [5]


def test_initially_up_serves_until_its_first_probe_has_ended() -> None:
    server = a_virtual_server(*PAIR.real_servers, keys=PAIR.keys, initially_up=True)
    judgement = judge(server, verdicts(_1=UNKNOWN, _2=FAILING), None)
    assert pool_weights(judgement) == [3, None]
    assert judgement.quorum is True


def test_a_judgement_shows_its_weights_and_what_is_unusual() -> None:
    usual = judge(PAIR, verdicts(_1=PASSING, _2=FAILING), True)
    assert repr(usual) == (
        "<Judgement 192.0.2.1:80 3, 192.0.2.2:80 out, sorry server out; quorum, 3 passing>"
    )
    blind = facts({"1": FAILING, "2": PASSING}, failed_at={"1": 5.0}, unseen=("1",))
    assert repr(judge(PAIR, blind, True)) == (
        "<Judgement 192.0.2.1:80 3, 192.0.2.2:80 2, sorry server out; quorum, 5 passing;"
        " held 192.0.2.1:80; unseen 192.0.2.1:80>"
    )
    assert repr(judge(PAIR, verdicts(_1=UNKNOWN, _2=FAILING), None)) == (
        "<Judgement 192.0.2.1:80 out, 192.0.2.2:80 out, sorry server out;"
        " quorum unknown, 0 passing>"
    )


def test_a_server_with_its_own_on_failure_stays_with_weight_0() -> None:
    own = replace(real_server(1), on_failure=OnFailure.ZERO_WEIGHT)
    server = pool(own, real_server(2), real_server(3))
    known = verdicts(_1=FAILING, _2=FAILING, _3=PASSING)
    assert pool_weights(judge(server, known, True)) == [0, None, 1]


def test_a_server_with_its_own_initial_state_serves_before_its_first_probe() -> None:
    server = pool(replace(real_server(1), initially_up=True), real_server(2))
    assert pool_weights(judge(server, verdicts(), None)) == [1, None]
    early = replace(pool(replace(real_server(1), initially_up=False)), initially_up=True)
    assert pool_weights(judge(early, verdicts(), None)) == [None]


def test_a_sorry_server_that_stays_in_the_table_does_not_replace_the_pool() -> None:
    """On standby and failing it has weight 0, and the passing real servers serve."""
    sorry = replace(real_server(9), on_failure=OnFailure.ZERO_WEIGHT)
    server = replace(pool(real_server(1), real_server(2), quorum=2), sorry_server=sorry)
    full = verdicts(_1=PASSING, _2=PASSING, _9=PASSING)
    assert weights(judge(server, full, True)) == [1, 1, 0]
    failing = verdicts(_1=PASSING, _2=FAILING, _9=FAILING)
    assert weights(judge(server, failing, True)) == [1, None, 0]
    passing = verdicts(_1=PASSING, _2=FAILING, _9=PASSING)
    assert weights(judge(server, passing, True)) == [0, None, 1]


def test_a_server_in_reserve_has_a_share_and_no_weight() -> None:
    """It counts neither for the quorum nor for min_healthy, and an override has no effect."""
    reserved = replace(real_server(2, 5), reserve=True)
    server = a_virtual_server(real_server(1, 3), reserved, service=Service("mh"), quorum=4)
    name = RealServerName("web", "192.0.2.2:80")
    override = Override(name=name, action=Action.WEIGHT, author="ann", weight=9)
    found = replace(verdicts(_1=PASSING, _2=PASSING), overrides={name: override})
    judgement = judge(server, found, None)
    assert pool_weights(judgement) == [3, 0]
    assert (judgement.passing, judgement.quorum) == (3, False)
    assert judgement.derivations[reserved.key] == (Step(5, "configured"), Step(0, "in reserve"))
    [entry] = wanted_entries(server, judgement).values()
    assert entry.shares == {real_server(1).key: 3, reserved.key: 5}
