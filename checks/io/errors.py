"""What an operating system error during a probe says about the target. One line for a person."""

from __future__ import annotations

import errno
import os

from checks.definition.result import Reason

DETAIL_LENGTH_MAX = 200

_REASONS = {
    errno.ECONNREFUSED: Reason.REFUSED,
    errno.ECONNRESET: Reason.RESET,
    errno.ECONNABORTED: Reason.RESET,
    errno.EPIPE: Reason.RESET,
    errno.ETIMEDOUT: Reason.TIMEOUT,
    # A failure like any other: clients cannot be sent there either.
    errno.ENETUNREACH: Reason.NO_ROUTE,
    # This host's own want of something. Says nothing about the target.
    errno.EMFILE: Reason.LOCAL_ERROR,
    errno.ENFILE: Reason.LOCAL_ERROR,
    errno.ENOBUFS: Reason.LOCAL_ERROR,
    errno.ENOMEM: Reason.LOCAL_ERROR,
    errno.EADDRINUSE: Reason.LOCAL_ERROR,
    errno.EADDRNOTAVAIL: Reason.LOCAL_ERROR,
    errno.EAFNOSUPPORT: Reason.LOCAL_ERROR,
    errno.ENETDOWN: Reason.LOCAL_ERROR,
    errno.ENODEV: Reason.LOCAL_ERROR,
    errno.EINVAL: Reason.LOCAL_ERROR,  # a source that does not go with the route
    errno.EPERM: Reason.LOCAL_ERROR,  # a packet filter's output hook on this host
}


def reason_of(error: OSError) -> Reason:
    """Name the fault.

    What is not in the table comes from routing or from ICMP (net/ipv4/icmp.c icmp_err_convert,
    net/ipv6/icmp.c tab_unreach): the target cannot be reached.
    """
    if error.errno is not None:
        return _REASONS.get(error.errno, Reason.UNREACHABLE)
    # asyncio raises these without a number when a peer goes away in a TLS handshake.
    return Reason.RESET if isinstance(error, ConnectionError) else Reason.UNREACHABLE


def error_of(number: int) -> OSError:
    """Make of an errno what Python raises for it."""
    return OSError(number, os.strerror(number))


def describe(error: OSError) -> str:
    """The system's own words, without the library's around them."""
    if error.errno is not None:
        return os.strerror(error.errno)
    return str(error) or "connection lost"


def one_line(text: str) -> str:
    """Make words from a peer fit for a log line or a terminal: printable, short, one line."""
    if len(text) <= DETAIL_LENGTH_MAX and text.isprintable() and "  " not in text:
        return text.strip()  # nearly all of them, thousands a second
    flat = " ".join(text.split())
    safe = "".join(character if character.isprintable() else "?" for character in flat)
    if len(safe) <= DETAIL_LENGTH_MAX:
        return safe
    return safe[: DETAIL_LENGTH_MAX - 1] + "…"
