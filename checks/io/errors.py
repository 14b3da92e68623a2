"""Translates operating system errors during a probe into a reason and one line of text."""

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
    # Not a local error: this host could not forward clients to the target either.
    errno.ENETUNREACH: Reason.NO_ROUTE,
    # A shortage or a fault of this host, which proves nothing about the target.
    errno.EMFILE: Reason.LOCAL_ERROR,
    errno.ENFILE: Reason.LOCAL_ERROR,
    errno.ENOBUFS: Reason.LOCAL_ERROR,
    errno.ENOMEM: Reason.LOCAL_ERROR,
    errno.EADDRINUSE: Reason.LOCAL_ERROR,
    errno.EADDRNOTAVAIL: Reason.LOCAL_ERROR,
    errno.EAFNOSUPPORT: Reason.LOCAL_ERROR,
    errno.ENETDOWN: Reason.LOCAL_ERROR,
    errno.ENODEV: Reason.LOCAL_ERROR,
    errno.EINVAL: Reason.LOCAL_ERROR,  # the source address does not fit the route
    errno.EPERM: Reason.LOCAL_ERROR,  # the output hook of a packet filter on this host
}


def reason_of(error: OSError) -> Reason:
    """Return the reason of a failure for an error of the operating system.

    An errno outside the table comes from routing or ICMP (net/ipv4/icmp.c icmp_err_convert,
    net/ipv6/icmp.c tab_unreach) and means that the target is unreachable.
    """
    if error.errno is not None:
        return _REASONS.get(error.errno, Reason.UNREACHABLE)
    # asyncio raises errors without a number if the peer closes the connection in a TLS handshake.
    return Reason.RESET if isinstance(error, ConnectionError) else Reason.UNREACHABLE


def error_of(number: int) -> OSError:
    """Return the exception that Python raises for an errno."""
    return OSError(number, os.strerror(number))


def describe(error: OSError) -> str:
    """Return the operating system's text for an error, without the errno and path."""
    if error.errno is not None:
        return os.strerror(error.errno)
    return str(error) or "connection lost"


def one_line(text: str) -> str:
    """Make a text from a peer safe for logs and terminals: short, printable and on one line."""
    if len(text) <= DETAIL_LENGTH_MAX and text.isprintable() and "  " not in text:
        return text.strip()  # the usual case, thousands of times per second
    flat = " ".join(text.split())
    safe = "".join(character if character.isprintable() else "?" for character in flat)
    if len(safe) <= DETAIL_LENGTH_MAX:
        return safe
    return safe[: DETAIL_LENGTH_MAX - 1] + "…"
