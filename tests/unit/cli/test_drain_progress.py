"""The lines that ``hadirector drain`` shows while connections end."""

from __future__ import annotations

import msgspec
import pytest

from hadirector.api.client import ApiError
from hadirector.cli.drain_progress import DrainState, Outcome, follow, render, sort_out
from hadirector.status.drain_estimate import DrainEstimate

ONE = DrainState("web/192.0.2.45:80", "draining", connections=96)
OVER = DrainState("web/192.0.2.46:80", "drained")
GONE = "web/192.0.2.47:80"


def estimates(*states: DrainState) -> dict[str, DrainEstimate]:
    """412 connections before 30 s, and as many as the state has now."""
    made = {}
    for state in states:
        made[state.name] = DrainEstimate()
        made[state.name].add(0.0, 412)
        made[state.name].add(30.0, state.connections or 0)
    return made


def test_drains_are_sorted_by_their_states() -> None:
    other = DrainState("mail/192.0.2.9:25", "draining")
    disabled = DrainState("web/192.0.2.48:80", "disabled")
    weight = DrainState("web/192.0.2.49:80", "weight")
    names = [ONE.name, OVER.name, GONE, disabled.name, weight.name]
    assert sort_out([other, disabled, weight, OVER, ONE], names) == Outcome(
        over=(OVER, disabled), left=(ONE,), ended=(GONE, weight.name)
    )


def test_the_lines_show_the_connections_the_rate_and_the_time() -> None:
    lines = render(Outcome((OVER,), (ONE,), (GONE,)), estimates(ONE, OVER), 64.0)
    assert list(lines) == [
        # 316 of 412 connections have ended: 77 % of the bar. 10.5 end per second, 96 are left.
        "web/192.0.2.45:80  [############....]  96 of 412 left  -10.5/s  about 9 s",
        "web/192.0.2.47:80  the drain was ended by an operator",
        "web/192.0.2.46:80  drained after 1 min 4 s",
    ]


@pytest.mark.parametrize(
    ("deadline", "ending"),
    [(5.0, "at most 5 s (deadline)"), (600.0, "about 9 s"), (None, "about 9 s")],
)
def test_the_deadline_limits_the_time(deadline: float | None, ending: str) -> None:
    state = msgspec.structs.replace(ONE, deadline_in=deadline)
    [line] = render(Outcome((), (state,), ()), estimates(state), 30.0)
    assert line.endswith(ending)


def test_an_unknown_number_of_connections_is_said() -> None:
    state = msgspec.structs.replace(ONE, connections=None)
    [line] = render(Outcome((), (state,), ()), estimates(state), 30.0)
    assert line == "web/192.0.2.45:80  the number of connections is not known"


def test_more_than_ten_drains_are_counted() -> None:
    states = tuple(DrainState(f"web/192.0.2.{n}:80", "drained") for n in range(12))
    lines = list(render(Outcome(states, (), ()), estimates(*states), 1.0))
    assert (len(lines), lines[-1]) == (11, "and 2 more")


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[tuple[DrainState, ...]]:
    """The overrides of each look, the first one first. There is no pause between the looks."""
    looks: list[tuple[DrainState, ...]] = []

    def request(_endpoint: str, _method: str, route: str) -> bytes:
        assert route == "/v1/overrides"
        return msgspec.json.encode({"overrides": looks.pop(0)})

    monkeypatch.setattr("hadirector.cli.drain_progress.request", request)
    monkeypatch.setattr("hadirector.cli.news.News.wait", lambda *_: None)
    return looks


def test_following_ends_when_the_real_server_has_left(
    answers: list[tuple[DrainState, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a terminal, there is a first and a last line."""
    answers += [(ONE,), (ONE,), (DrainState(ONE.name, "drained"),)]
    assert follow("/s", [ONE.name], ONE.name) == 0
    assert capsys.readouterr().out.splitlines() == [
        "web/192.0.2.45:80  [................]  96 of 96 left",
        "web/192.0.2.45:80  drained after a moment",
    ]


def test_a_drain_that_an_operator_ends_is_a_failure(
    answers: list[tuple[DrainState, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    answers += [(ONE,), ()]
    assert follow("/s", [ONE.name], ONE.name, quiet=True) == 1
    assert capsys.readouterr().out == ""


def test_ctrl_c_leaves_the_drain_running(
    answers: list[tuple[DrainState, ...]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    answers += [(ONE,)]
    monkeypatch.setattr("hadirector.cli.news.News.wait", interrupt)
    assert follow("/s", [ONE.name], "host 192.0.2.45") == 130
    assert capsys.readouterr().out.endswith(
        "the drain goes on; `hadirector wait drained host 192.0.2.45` waits for its end\n"
    )


def test_a_director_that_refuses_ends_the_following(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bytes:
        raise ApiError("no", 403)

    monkeypatch.setattr("hadirector.cli.drain_progress.request", refuse)
    with pytest.raises(ApiError):
        follow("/s", [ONE.name], ONE.name)
