"""The stand-in of a router selects a director for each connection."""

from __future__ import annotations

from collections import Counter

from hadirector.demo.divider import order

DIRECTORS = ["127.0.2.1", "127.0.2.2", "127.0.2.3", "127.0.2.4"]
CLIENTS = [f"127.0.0.1 {port}" for port in range(30_000, 31_000)]


def test_all_directors_get_about_the_same_number_of_connections() -> None:
    counts = Counter(order(DIRECTORS, client)[0] for client in CLIENTS)
    assert sorted(counts) == DIRECTORS
    assert min(counts.values()) > 200


def test_only_the_connections_of_a_director_that_leaves_get_another_one() -> None:
    left = [DIRECTORS[0], *DIRECTORS[2:]]
    for client in CLIENTS:
        before = order(DIRECTORS, client)
        if before[0] != DIRECTORS[1]:
            assert order(left, client)[0] == before[0]
        else:
            assert order(left, client)[0] == before[1]
