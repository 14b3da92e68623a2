"""Pauses after failed logins, the rate of changes, and the logins of browsers."""

import pytest

from hadirector.api.rate import Rate
from hadirector.web import limits, sessions
from hadirector.web.limits import FailedLogins
from hadirector.web.sessions import Sessions


def fail(logins: FailedLogins, address: str, times: int, now: float = 100.0) -> None:
    for _ in range(times):
        logins.note(address, now)


@pytest.mark.parametrize(
    ("failures", "pause"), [(0, 0), (4, 0), (5, 1), (6, 2), (7, 4), (10, 32), (11, 60), (99, 60)]
)
def test_the_pause_after_failed_logins_doubles(failures: int, pause: float) -> None:
    logins = FailedLogins()
    fail(logins, "192.0.2.1", failures)
    assert logins.pause("192.0.2.1", 100.0) == pause


def test_a_pause_ends_and_concerns_one_address() -> None:
    logins = FailedLogins()
    fail(logins, "192.0.2.1", 6)
    assert logins.pause("192.0.2.1", 101.5) == 0.5
    assert logins.pause("192.0.2.1", 102.0) == 0
    assert logins.pause("192.0.2.2", 100.0) == 0


def test_a_success_and_ten_minutes_forgive() -> None:
    logins = FailedLogins()
    fail(logins, "192.0.2.1", 6)
    logins.forget("192.0.2.1")
    assert logins.pause("192.0.2.1", 100.0) == 0
    fail(logins, "192.0.2.1", 9)
    fail(logins, "192.0.2.1", 1, now=701.0)
    assert logins.pause("192.0.2.1", 701.0) == 0


def test_the_addresses_of_an_ipv6_prefix_count_as_one() -> None:
    logins = FailedLogins()
    for host in range(5):
        logins.note(f"2001:db8::{host}", 100.0)
    assert logins.pause("2001:db8::ffff:1", 100.0) == 1
    assert logins.pause("2001:db8:0:1::1", 100.0) == 0
    fail(logins, "::ffff:192.0.2.1", 5)
    assert logins.pause("192.0.2.1", 100.0) == 1


def test_at_the_limit_the_oldest_address_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ADDRESSES_MAX", 2)
    logins = FailedLogins()
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
        fail(logins, address, 5)
    assert [logins.pause(f"192.0.2.{host}", 100.0) for host in (1, 2, 3)] == [0, 1, 1]


def test_a_rate_allows_a_burst_and_then_its_rate() -> None:
    rate = Rate(per_second=2.0, at_once=3)
    assert [rate.take("ann", 10.0) for _ in range(4)] == [True, True, True, False]
    assert [rate.take("ann", 10.5) for _ in range(2)] == [True, False]
    assert rate.take("bob", 10.5)


def test_a_login_lasts_twelve_hours() -> None:
    logins = Sessions()
    logins.add("value", "hash", 100.0)
    assert logins.find("value", 100.0 + 43199) == "hash"
    assert logins.find("value", 100.0 + 43200) is None
    assert logins.find("valuE", 100.0) is None


def test_a_login_can_be_ended() -> None:
    logins = Sessions()
    logins.add("value", "hash", 100.0)
    logins.end("value")
    assert logins.find("value", 100.0) is None


def test_at_the_limit_the_oldest_login_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "SESSIONS_MAX", 2)
    logins = Sessions()
    for value in ("a", "b", "c"):
        logins.add(value, "hash", 100.0)
    assert [logins.find(value, 100.0) for value in "abc"] == [None, "hash", "hash"]
