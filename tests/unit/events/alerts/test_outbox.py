"""The outbox of a receiver: grouping, the pace of repeated news, retries, and limits."""

from __future__ import annotations

import pytest

from hadirector.events.alerts.alert import Alert, Key, Note
from hadirector.events.alerts.outbox import ALERTS_MAX, Batch, Outbox
from hadirector.model.alerts import Condition

POOL = Alert("pool_down", "web", "quorum lost", 1000.0)
SERVER = Alert("real_server_failed", "web/192.0.2.45:80", "refused", 1000.0)


def outbox(*on: Condition) -> Outbox:
    return Outbox(on or ("pool_down", "real_server_failed", "failover"))


def opened(*alerts: Alert) -> dict[Key, Alert]:
    return {alert.key: alert for alert in alerts}


def taken(box: Outbox, now: float) -> Batch:
    batch = box.take(now, f"msg_{now:g}")
    assert batch is not None
    return batch


def test_a_storm_is_one_message_and_its_end_another() -> None:
    box = outbox()
    box.observe(opened(POOL), 5.0, 1005.0)
    box.observe(opened(POOL, SERVER), 12.0, 1012.0)
    assert box.next_at == 15.0
    assert box.take(14.9, "early") is None
    batch = taken(box, 15.0)
    assert (batch.began, batch.ended, batch.open) == ((POOL, SERVER), (), 2)
    assert not box.settle("", 15.1)
    assert box.next_at is None
    box.observe({}, 20.0, 1020.0)
    ended = taken(box, 30.0)
    assert {(alert.object, alert.ended_at) for alert in ended.ended} == {
        ("web", 1020.0),
        ("web/192.0.2.45:80", 1020.0),
    }
    assert (ended.began, ended.open) == ((), 0)


def test_an_alert_that_ends_before_its_message_is_reported_as_ended() -> None:
    box = outbox()
    box.observe(opened(POOL), 0.0, 1000.0)
    box.observe({}, 2.0, 1002.0)
    batch = taken(box, 10.0)
    assert [(alert.began_at, alert.ended_at) for alert in batch.ended] == [(1000.0, 1002.0)]
    assert batch.began == ()


def test_a_known_alert_that_returns_at_once_needs_no_message() -> None:
    box = outbox()
    box.observe(opened(POOL), 0.0, 1000.0)
    taken(box, 10.0)
    box.settle("", 10.0)
    box.observe({}, 11.0, 1011.0)
    box.observe(opened(POOL), 12.0, 1012.0)
    assert box.take(60.0, "none") is None
    assert box.next_at is None


def test_news_of_an_object_that_flaps_comes_less_and_less_often() -> None:
    """A message about another object does not wait for it."""
    box = outbox()
    now, sent = 0.0, []
    for turn in range(6):
        box.observe(opened(POOL) if turn % 2 == 0 else {}, now, 1000.0 + now)
        due = box.next_at
        assert due is not None
        sent.append(due - now)
        taken(box, due)
        box.settle("", due)
        now = due + 1.0
    assert sent == [10.0, 10.0, 20.0, 40.0, 80.0, 160.0]
    box.observe(opened(POOL), now, 1000.0)
    box.observe(opened(POOL, SERVER), now + 1.0, 1001.0)
    assert box.next_at == now + 11.0


def test_notes_about_an_object_are_counted() -> None:
    box = outbox()
    box.note(Note("failover", "web", "BACKUP -> ACTIVE", 1000.0), 0.0)
    box.note(Note("failover", "web", "ACTIVE -> BACKUP", 1001.0), 1.0)
    box.note(Note("override", "web", "not wanted", 1001.0), 1.0)
    [note] = taken(box, 10.0).notes
    assert (note.reason, note.count) == ("ACTIVE -> BACKUP", 2)


def test_a_message_is_repeated_with_growing_pauses_and_given_up() -> None:
    box = outbox()
    box.observe(opened(POOL), 0.0, 1000.0)
    now, pauses = 10.0, []
    for _ in range(11):
        assert taken(box, now).identity == "msg_10"
        assert not box.settle("refused", now)
        due = box.next_at
        assert due is not None
        assert box.take(due - 0.1, "early") is None
        pauses.append(due - now)
        now = due
    assert pauses == [1, 2, 5, 10, 30, 60, 120, 300, 600, 600, 600]
    taken(box, now)
    assert box.settle("refused", now)
    assert (box.lost, box.failed, box.delivered) == (1, 12, 0)
    assert box.next_at is None
    box.observe(opened(POOL, SERVER), now, 1000.0)
    assert taken(box, now + 10.0).began == (POOL, SERVER)


def test_the_end_in_a_lost_message_is_part_of_the_next_one() -> None:
    box = Outbox(("pool_down", "real_server_failed"), known=[POOL])
    box.observe({}, 0.0, 1000.0)
    now = 10.0
    for _ in range(12):
        taken(box, now)
        box.settle("refused", now)
        now = box.next_at or now
    box.observe(opened(SERVER), now, 2000.0)
    batch = taken(box, now + 10.0)
    assert ([each.object for each in batch.ended], batch.began) == (["web"], (SERVER,))


def test_news_during_an_attempt_is_in_the_next_message() -> None:
    box = outbox()
    box.observe(opened(POOL), 0.0, 1000.0)
    taken(box, 10.0)
    box.observe(opened(SERVER), 11.0, 1011.0)
    box.settle("", 12.0)
    batch = taken(box, 21.0)
    assert (batch.began, [each.object for each in batch.ended]) == ((SERVER,), ["web"])


def test_after_a_restart_only_the_difference_is_sent() -> None:
    box = Outbox(("pool_down", "real_server_failed"), known=[POOL])
    box.observe(opened(POOL), 0.0, 1000.0)
    assert box.next_at is None
    box.observe(opened(SERVER), 1.0, 1001.0)
    batch = taken(box, 11.0)
    assert (batch.began, [each.object for each in batch.ended]) == ((SERVER,), ["web"])


def test_at_the_limit_alerts_are_omitted_and_counted() -> None:
    box = outbox()
    many = [Alert("real_server_failed", f"web/{number}", "refused", 0.0) for number in range(1500)]
    box.observe(opened(*many), 0.0, 1000.0)
    batch = taken(box, 10.0)
    assert (len(batch.began), batch.open, batch.omitted) == (ALERTS_MAX, 1500, 500)
    assert box.waiting == 1000


def test_at_the_limit_the_oldest_note_is_dropped_and_counted() -> None:
    box = outbox()
    for number in range(203):
        box.note(Note("failover", f"i{number}", "BACKUP -> ACTIVE", 0.0), 0.0)
    batch = taken(box, 10.0)
    assert (len(batch.notes), batch.notes[0].object, batch.dropped) == (200, "i3", 3)


@pytest.mark.parametrize("failing", [False, True])
def test_a_stop_makes_everything_due(failing: bool) -> None:
    box = outbox()
    box.observe(opened(POOL), 50.0, 1000.0)
    if failing:
        taken(box, 60.0)
        box.settle("refused", 60.0)
    box.hurry()
    assert box.take(60.0, "now") is not None
