"""What weights follow from quorum, sorry server and backup tiers, and the words for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.definition.check import CheckDefinition
from checks.definition.options import TcpProbe
from checks.definition.result import Verdict
from hadirector.model.configuration import OnFailure, RealServer, VirtualServer
from hadirector.model.ipvs import DestinationKey, ForwardingMethod, Protocol, Service, ServiceKey
from hadirector.overrides.model import Action, Override, RealServerName
from hadirector.pools.candidate import Step
from hadirector.pools.decision import Judgement, has_quorum, judge
from hadirector.pools.facts import Facts

PASSING, FAILING, UNKNOWN = Verdict.PASSING, Verdict.FAILING, Verdict.UNKNOWN


def real_server(number: int, weight: int = 1, backup_tier: int = 0) -> RealServer:
    """The real server 192.0.2.NUMBER, checked as "NUMBER"."""
    key = DestinationKey(f"192.0.2.{number}", 80)
    check = CheckDefinition(
        identity=str(number), address=key.address, port=key.port, probe=TcpProbe()
    )
    return RealServer(key=key, weight=weight, check=check, backup_tier=backup_tier)


def pool(*real_servers: RealServer, quorum: int = 1, hysteresis: int = 0) -> VirtualServer:
    """A pool of these, with a sorry server that is checked as "9"."""
    return VirtualServer(
        name="web",
        keys=(ServiceKey(Protocol.TCP, "192.0.2.10", 80),),
        service=Service("wrr"),
        forwarding=ForwardingMethod.NAT,
        quorum=quorum,
        hysteresis=hysteresis,
        sorry_server=real_server(9),
        real_servers=real_servers,
    )


def verdicts(**of: Verdict) -> Facts:
    """What is known of the servers, by "_NUMBER"."""
    return Facts({name.removeprefix("_"): verdict for name, verdict in of.items()})


def weights(judgement: Judgement) -> list[int | None]:
    """Each real server's weight, the sorry server's last."""
    assert judgement.sorry is not None
    return [each[-1].weight for each in (*judgement.derivations.values(), judgement.sorry)]


PAIR = pool(real_server(1, 3), real_server(2, 2))


def test_without_a_quorum_the_sorry_server_serves_and_the_pool_does_not() -> None:
    """Connections of a server that still passes go on at weight 0."""
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


def test_a_sorry_server_that_fails_is_none() -> None:
    """What is left of the pool serves."""
    server = pool(real_server(1, 3), real_server(2, 2), quorum=4)
    assert weights(judge(server, verdicts(_1=PASSING, _2=FAILING, _9=FAILING), True)) == [
        3,
        None,
        None,
    ]


def test_nobody_is_sorry_before_every_server_has_been_tried() -> None:
    """A start does not show the sorry page for as long as it takes the first server to pass."""
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


def test_nothing_passing_is_no_quorum_whatever_the_hysteresis() -> None:
    assert has_quorum(0, 2, 1, before=True, known=True) is False


def test_a_backup_tier_serves_while_the_tiers_before_it_lack_the_quorum() -> None:
    """Tier by tier; one that stands by has weight 0."""
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


def test_under_zero_weight_what_is_out_stays_at_weight_0() -> None:
    server = VirtualServer(
        name="web",
        keys=PAIR.keys,
        service=Service("mh"),
        forwarding=ForwardingMethod.NAT,
        on_failure=OnFailure.ZERO_WEIGHT,
        real_servers=PAIR.real_servers,
    )
    judgement = judge(server, verdicts(_1=FAILING, _2=UNKNOWN), None)
    assert [each[-1].weight for each in judgement.derivations.values()] == [0, 0]


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
    lambda found: Facts({str(n + 1): verdict for n, verdict in enumerate(found)})
)
BEFORE = st.sampled_from([None, True, False])


@given(POOLS, FACTS, BEFORE)
def test_whatever_is_known_nothing_that_does_not_pass_serves(
    server: VirtualServer, facts: Facts, before: bool | None
) -> None:
    """And the pool is empty only if nothing of weight passes, or the sorry server serves."""
    judgement = judge(server, facts, before)
    serving = {key for key, steps in judgement.derivations.items() if steps[-1].weight}
    passing = {
        each.key
        for each in server.real_servers
        if each.check and facts.verdicts[each.check.identity] is PASSING and each.weight
    }
    assert serving <= passing
    assert judgement.sorry is not None
    if judgement.sorry[-1].weight:
        assert not serving
        assert facts.verdicts["9"] is PASSING
        assert judgement.quorum is False
    else:
        assert bool(serving) == bool(passing)


@given(POOLS, st.lists(FACTS, max_size=6))
def test_the_quorum_moves_only_past_its_hysteresis(
    server: VirtualServer, history: list[Facts]
) -> None:
    """Whatever the history, its state is between the two thresholds that hysteresis gives it."""
    had: bool | None = None
    for facts in history:
        judgement = judge(server, facts, had)
        if judgement.quorum is True:
            assert judgement.passing >= max(server.quorum - server.hysteresis, 1)
        if judgement.quorum is False and had is not None:
            assert judgement.passing < server.quorum + server.hysteresis
        had = had if judgement.quorum is None else judgement.quorum


def ordered(action: Action, weight: int = 0, ended: str = "") -> Facts:
    """Both servers of a pair pass, and this is ordered for the first."""
    name = RealServerName("web", "192.0.2.1:80")
    order = Override(name=name, action=action, weight=weight, ended=ended, author="ann")
    return Facts({"1": PASSING, "2": PASSING, "9": PASSING}, overrides={name: order})


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (ordered(Action.DRAIN), [0, 2, None]),
        (ordered(Action.DRAIN, ended="at last"), [None, 2, None]),
        (ordered(Action.DISABLE), [None, 2, None]),
        (ordered(Action.WEIGHT, 9), [9, 2, None]),
        (ordered(Action.WEIGHT, 0), [0, 2, None]),
    ],
)
def test_an_operator_is_obeyed(facts: Facts, expected: list[int | None]) -> None:
    """Draining keeps a server at weight 0, until it is over."""
    assert weights(judge(PAIR, facts, None)) == expected


def test_what_an_operator_takes_out_counts_for_no_quorum() -> None:
    server = pool(real_server(1, 3), real_server(2, 2), quorum=4)
    assert judge(server, ordered(Action.DRAIN), True).quorum is False
    assert judge(server, ordered(Action.WEIGHT, 2), True).quorum is True


def test_a_weight_that_was_ordered_lets_nothing_in_that_fails() -> None:
    facts = ordered(Action.WEIGHT, 9)
    failing = Facts({**facts.verdicts, "1": FAILING}, overrides=facts.overrides)
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
def test_a_server_that_passes_gets_the_part_of_its_weight_it_asks_for(
    weight: int, percent: int, given: int
) -> None:
    """Never nothing for a little, and never more than the kernel takes."""
    facts = Facts({"1": PASSING}, weights={"1": percent})
    server = pool(real_server(1, weight))
    (steps,) = judge(server, facts, True).derivations.values()
    assert steps[2] == Step(given, f"asks for {percent} %")


def test_what_is_asked_for_matters_neither_to_a_failed_server_nor_to_an_ordered_weight() -> None:
    name = RealServerName("web", "192.0.2.1:80")
    order = Override(name=name, action=Action.WEIGHT, author="root", weight=5)
    server = pool(real_server(1, 10))
    failing = judge(server, Facts({"1": FAILING}, weights={"1": 50}), True)
    facts = Facts({"1": PASSING}, overrides={name: order}, weights={"1": 50})
    kept = judge(server, facts, True)
    assert [each[-1].weight for each in failing.derivations.values()] == [None]
    assert [each[-1].weight for each in kept.derivations.values()] == [5]


def test_initially_up_serves_until_its_first_probe_has_ended() -> None:
    server = VirtualServer(
        name="web",
        keys=PAIR.keys,
        service=Service("wrr"),
        forwarding=ForwardingMethod.NAT,
        initially_up=True,
        real_servers=PAIR.real_servers,
    )
    judgement = judge(server, verdicts(_1=UNKNOWN, _2=FAILING), None)
    assert [each[-1].weight for each in judgement.derivations.values()] == [3, None]
    assert judgement.quorum is True
