"""When a BACKUP router asks the router that it follows, and when it takes a refusal for a death."""

from __future__ import annotations

from ipaddress import IPv4Address

from tests.unit.vrrp.router.builders import PEER, advert, router_in, to
from vrrp.model.report import State
from vrrp.router.death_certificate import ActiveRouter, DeathWatch
from vrrp.router.event import ActiveRouterDied, StateChanged, TimerExpired

OTHER = IPv4Address("10.99.0.7")
SKEW = 0.609375  # (256 - 100) / 256 s


def heard(at: float, address: IPv4Address = PEER) -> ActiveRouter:
    """Return a router whose latest advertisement arrived at this time; its interval is 1 s."""
    return ActiveRouter(address, at, 1.0, SKEW)


def trusted() -> DeathWatch:
    """Return a watch whose router advertised at 100 and answered at once."""
    watch = DeathWatch()
    watch.follow(heard(100.0))
    assert watch.ask(100.0)
    watch.note_answer(100.001)
    return watch


def test_a_followed_router_is_asked_at_once_and_later_every_ten_intervals() -> None:
    watch = trusted()
    for second in range(101, 110):
        watch.follow(heard(second))
        assert not watch.ask(second)
    watch.follow(heard(110.0))
    assert watch.ask(110.001)


def test_a_router_that_does_not_answer_is_asked_ever_more_rarely() -> None:
    watch = DeathWatch()
    asked = []
    for second in range(100, 400):
        watch.follow(heard(second))
        if watch.ask(second):
            asked.append(second)
    assert asked == [100, 101, 103, 107, 115, 131, 163, 227, 291, 355]


def test_a_missed_advertisement_causes_two_questions_and_later_ones_every_half_interval() -> None:
    watch = trusted()
    moments = [millisecond / 1000 for millisecond in range(100_002, 103_600)]
    asked = [moment for moment in moments if watch.ask(moment)]
    # 101.1, which is a tenth of an interval late, and the skew time of 0.609375 s later
    assert asked == [101.1, 101.71, 102.21, 102.71, 103.21]


def test_two_refusals_of_which_one_is_late_enough_are_a_death() -> None:
    watch = trusted()
    assert not watch.note_refusal(101.11, 101.11)
    assert watch.note_refusal(101.71, 101.71)


def test_two_refusals_before_the_shortened_deadline_are_no_death() -> None:
    watch = trusted()
    assert not watch.note_refusal(101.11, 101.11)
    assert not watch.note_refusal(101.4, 101.4)


def test_one_refusal_is_no_death_but_causes_the_next_question_at_once() -> None:
    watch = trusted()
    assert watch.ask(101.71)
    assert watch.ask_at == 102.21
    assert not watch.note_refusal(101.71, 101.71)
    assert watch.ask(101.712)
    assert watch.note_refusal(101.712, 101.712)


def test_a_refusal_before_an_advertisement_is_missed_does_not_count() -> None:
    watch = trusted()
    assert not watch.note_refusal(100.5, 100.5)
    assert not watch.note_refusal(101.71, 101.71)


def test_a_refusal_that_waited_in_a_stalled_process_is_no_death() -> None:
    watch = trusted()
    assert not watch.note_refusal(101.11, 101.11)
    assert not watch.note_refusal(101.71, 102.22)
    assert watch.note_refusal(101.71, 102.2)


def test_silence_is_no_death() -> None:
    watch = trusted()
    for at in (101.11, 101.71, 102.21):
        assert watch.ask(at)
    assert watch.refusals == 0


def test_an_answer_ends_the_suspicion() -> None:
    watch = trusted()
    assert not watch.note_refusal(101.11, 101.11)
    watch.note_answer(101.5)
    assert not watch.note_refusal(101.71, 101.71)


def test_a_router_that_never_answered_is_not_taken_for_dead() -> None:
    """A keepalived has no such port, so its kernel refuses every question."""
    watch = DeathWatch()
    watch.follow(heard(100.0))
    assert watch.ask(100.0)
    assert not watch.note_refusal(101.71, 101.71)
    assert not watch.note_refusal(101.72, 101.72)
    assert watch.refusals == 0


def test_a_router_that_refuses_while_it_advertises_is_not_taken_for_dead_later() -> None:
    """A firewall that rejects questions, for example. One more answer is needed."""
    watch = trusted()
    assert not watch.note_refusal(100.9, 100.9)
    watch.follow(heard(101.0))
    assert watch.ask(101.0)
    assert not watch.note_refusal(102.71, 102.71)
    assert not watch.note_refusal(102.72, 102.72)
    watch.note_answer(102.75)
    assert not watch.note_refusal(102.8, 102.8)
    assert watch.note_refusal(102.81, 102.81)


def test_an_answer_counts_for_one_router_and_for_thirty_intervals() -> None:
    watch = trusted()
    watch.follow(heard(101.0, OTHER))
    assert not watch.note_refusal(102.71, 102.71)
    assert not watch.note_refusal(102.72, 102.72)

    watch = trusted()
    watch.follow(heard(131.0))
    assert not watch.note_refusal(132.71, 132.71)
    assert not watch.note_refusal(132.72, 132.72)


def test_a_refused_question_of_an_earlier_silence_does_not_count() -> None:
    watch = trusted()
    assert not watch.note_refusal(101.11, 101.11)
    watch.follow(heard(101.4))
    watch.note_answer(101.5)
    assert not watch.note_refusal(101.11, 101.11)
    assert not watch.note_refusal(103.12, 103.12)
    assert watch.note_refusal(103.13, 103.13)


def test_no_question_is_sent_without_a_followed_router() -> None:
    watch = trusted()
    watch.follow(None)
    assert watch.ask_at is None
    assert not watch.ask(200.0)
    assert not watch.note_refusal(101.71, 101.71)


def test_a_death_shortens_the_timer_from_the_latest_advertisement() -> None:
    router = router_in(State.BACKUP)
    router.handle(advert(200), 1001.0)
    assert router.active_router == ActiveRouter(PEER, 1001.0, 1.0, SKEW)

    assert router.handle(ActiveRouterDied(PEER), 1002.0) == []
    assert router.deadline == 1002.709375
    assert router.handle(TimerExpired(), 1002.7) == []
    changes = [
        each for each in router.handle(TimerExpired(), 1002.71) if isinstance(each, StateChanged)
    ]
    died = "the vrrp process of the active router died"
    assert changes == [to(State.BACKUP, State.ACTIVE, died)]
    assert router.active_router is None


def test_a_late_death_is_acted_on_at_once_and_never_later_than_the_timer() -> None:
    router = router_in(State.BACKUP)
    router.handle(advert(200), 1001.0)
    router.handle(ActiveRouterDied(PEER), 1003.0)
    assert router.deadline == 1003.0
    router.handle(ActiveRouterDied(PEER), 1003.5)
    assert router.deadline == 1003.0


def test_an_advertisement_after_a_death_sets_the_timer_as_usual() -> None:
    router = router_in(State.BACKUP)
    router.handle(advert(200), 1001.0)
    router.handle(ActiveRouterDied(PEER), 1002.0)
    router.handle(advert(200), 1002.5)
    assert router.deadline == 1006.109375


def test_the_death_of_another_router_has_no_effect() -> None:
    router = router_in(State.BACKUP)
    router.handle(advert(200), 1001.0)
    router.handle(ActiveRouterDied(OTHER), 1002.0)
    assert router.deadline == 1004.609375
    for state in (State.INITIALIZE, State.ACTIVE):
        assert router_in(state).handle(ActiveRouterDied(PEER), 1002.0) == []
