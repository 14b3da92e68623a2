"""The past of the page: the latest points of each virtual server, without a gap."""

from __future__ import annotations

import json

from hadirector.web.past import Past


def points(past: Past) -> dict[str, list[int]]:
    content = json.loads(past.encode())
    assert content["seconds"] == 5.0
    found: dict[str, list[int]] = content["connections"]
    return found


def test_the_latest_sixty_points_of_each_server_are_kept() -> None:
    past = Past()
    for number in range(70):
        past.add({"web": number, "mail": 0} if number < 69 else {"web": number})
    assert list(points(past)) == ["web"]
    assert points(past)["web"] == list(range(10, 70))


def test_one_missed_point_is_tolerated_and_two_end_the_past() -> None:
    past = Past()
    past.add({"web": 1})
    past.miss()
    past.add({"web": 2})
    past.miss()
    assert points(past) == {"web": [1, 2]}
    past.miss()
    assert points(past) == {}


def test_the_number_of_servers_is_limited() -> None:
    past = Past()
    past.add({f"web{number}": 1 for number in range(6000)})
    assert len(points(past)) == 5000
