"""Many directors are asked at the same time, and none holds the others."""

from __future__ import annotations

import threading

from hadirector.api.client import ApiError
from hadirector.fleet.asking import ask_all
from hadirector.fleet.inventory import FleetDirector

FLEET = tuple(FleetDirector(f"lb{number}", f"/run/lb{number}.sock") for number in range(1, 5))


def test_the_answers_are_in_the_order_of_the_inventory() -> None:
    first_may_answer = threading.Event()

    def ask(director: FleetDirector) -> str:
        if director.name == "lb1":
            assert first_may_answer.wait(10)
        if director.name == "lb4":
            first_may_answer.set()
        return str(director.endpoint)

    found = ask_all(FLEET, ask)
    assert [each.answer for each in found] == [f"/run/lb{number}.sock" for number in range(1, 5)]


def test_failures_have_reasons() -> None:
    def ask(director: FleetDirector) -> str:
        if director.name == "lb2":
            raise ApiError("refused")
        if director.name == "lb3":
            raise ValueError("no JSON")
        return "good"

    found = ask_all(FLEET, ask)
    assert [(each.answer, each.failure) for each in found] == [
        ("good", ""),
        (None, "refused"),
        (None, "unexpected answer: no JSON"),
        ("good", ""),
    ]


def test_a_director_without_an_answer_holds_the_others_until_its_deadline() -> None:
    end = threading.Event()

    def ask(director: FleetDirector) -> str:
        if director.name in ("lb1", "lb2"):
            end.wait(10)
        return "good"

    found = ask_all(FLEET, ask, deadline=0.05, concurrent=2)
    end.set()
    assert [(each.answer, each.failure) for each in found] == [
        (None, "no whole answer within 0.05 s"),
        (None, "no whole answer within 0.05 s"),
        ("good", ""),
        ("good", ""),
    ]


def test_at_most_so_many_are_asked_at_the_same_time() -> None:
    running, most, lock = 0, 0, threading.Lock()
    both = threading.Barrier(2)

    def ask(_director: FleetDirector) -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        both.wait(10)
        with lock:
            running -= 1
        return "good"

    ask_all(FLEET, ask, concurrent=2)
    assert most == 2
