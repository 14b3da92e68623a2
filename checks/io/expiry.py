"""Computes the time until a certificate expires. Dates are in the format of OpenSSL."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import Final

DAY_SECONDS: Final = 86400


def seconds_left(not_after: str) -> float:
    """Return the number of seconds until a date, negative after it."""
    return ssl.cert_time_to_seconds(not_after) - datetime.now(UTC).timestamp()


def days_left(not_after: str) -> int:
    """Return the number of whole days until a date, negative after it."""
    return int(seconds_left(not_after) // DAY_SECONDS)


def describe_expiry(name: str, not_after: str, within: float) -> str:
    """Return a warning if the certificate expires within this number of seconds, else no text."""
    if seconds_left(not_after) >= within:
        return ""
    days = days_left(not_after)
    return f"{name} expires in {days} day{'s' * (days != 1)} ({not_after})"
