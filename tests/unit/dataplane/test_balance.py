"""How the userspace dataplane distributes new connections."""

from __future__ import annotations

from hadirector.dataplane.balance import Offer, balancer
from hadirector.model.ipvs import DestinationKey

NAMES = {DestinationKey(f"192.0.2.{index}", 80): name for index, name in enumerate("abc")}
A, B, C = NAMES


def turns(scheduler: str, *offers: Offer, count: int) -> str:
    """The destinations of ``count`` connections, each of which ends before the next begins."""
    chooser = balancer(scheduler)
    return "".join(NAMES[chooser.choose(offers)] for _ in range(count))


def test_round_robin_ignores_weights() -> None:
    assert turns("rr", Offer(A, 1, 0), Offer(B, 9, 0), Offer(C, 1, 0), count=7) == "abcabca"


def test_round_robin_continues_when_a_destination_leaves_and_returns() -> None:
    chooser = balancer("rr")
    all_three = [Offer(A, 1, 0), Offer(B, 1, 0), Offer(C, 1, 0)]
    without_b = [Offer(A, 1, 0), Offer(C, 1, 0)]
    chosen = [chooser.choose(offers) for offers in [all_three, without_b, without_b, all_three]]
    assert chosen == [A, C, A, B]


def test_weighted_round_robin_spreads_the_turns_of_a_high_weight() -> None:
    assert turns("wrr", Offer(A, 5, 0), Offer(B, 1, 0), Offer(C, 1, 0), count=14) == (
        "aabacaaaabacaa"
    )


def test_weighted_round_robin_gives_exact_shares() -> None:
    chosen = turns("wrr", Offer(A, 2, 0), Offer(B, 1, 0), count=99)
    assert (chosen.count("a"), chosen.count("b")) == (66, 33)


def test_least_connections_ignores_weights() -> None:
    assert turns("lc", Offer(A, 9, 3), Offer(B, 1, 2), Offer(C, 1, 4), count=2) == "bb"


def test_least_connections_takes_turns_among_equals() -> None:
    assert turns("lc", Offer(A, 1, 0), Offer(B, 1, 0), Offer(C, 1, 1), count=4) == "abab"


def test_weighted_least_connections_compares_connections_per_weight() -> None:
    assert turns("wlc", Offer(A, 1, 2), Offer(B, 4, 7), Offer(C, 2, 5), count=1) == "b"
