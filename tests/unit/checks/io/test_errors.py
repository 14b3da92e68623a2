"""What operating system errors say about a target, and words fit for a terminal."""

import errno

import pytest

from checks.definition.result import Reason
from checks.io.errors import describe, one_line, reason_of


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ECONNREFUSED, Reason.REFUSED),
        (errno.ECONNRESET, Reason.RESET),
        (errno.EPIPE, Reason.RESET),
        (errno.ETIMEDOUT, Reason.TIMEOUT),
        (errno.EHOSTUNREACH, Reason.UNREACHABLE),
        (errno.ENETUNREACH, Reason.NO_ROUTE),
        (errno.EACCES, Reason.UNREACHABLE),  # ICMPv6 administratively prohibited
        (errno.EMFILE, Reason.LOCAL_ERROR),
        (errno.ENFILE, Reason.LOCAL_ERROR),
        (errno.EADDRNOTAVAIL, Reason.LOCAL_ERROR),
        (errno.ENOBUFS, Reason.LOCAL_ERROR),
        (errno.EPERM, Reason.LOCAL_ERROR),
    ],
    ids=lambda value: errno.errorcode.get(value, "") if isinstance(value, int) else None,
)
def test_each_error_number_has_its_reason(number: int, reason: Reason) -> None:
    assert reason_of(OSError(number, "as the library puts it")) is reason


def test_an_error_without_a_number_is_judged_by_its_class() -> None:
    assert reason_of(ConnectionResetError()) is Reason.RESET
    assert reason_of(OSError("something else")) is Reason.UNREACHABLE


def test_the_systems_own_words_describe_an_error() -> None:
    error = OSError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 80)")
    assert describe(error) == "Connection refused"
    assert describe(ConnectionResetError()) == "connection lost"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Bad status line:\n\n  b'SSH'\n  ^", "Bad status line: b'SSH' ^"),
        ("clear \x1b[2J screen\x00", "clear ?[2J screen?"),
        ("half a pair \udcff", "half a pair ?"),
        ("größer", "größer"),
        ("x" * 201, "x" * 199 + "…"),
    ],
)
def test_a_peers_words_become_one_short_printable_line(text: str, line: str) -> None:
    assert one_line(text) == line
