"""Reads single configuration values: numbers, durations, addresses, names.

Each function here makes a validator for pydantic. A refused value is reported as what was expected
instead; ``explain`` of ``config.document`` adds the place and what was found. Addresses come out in
canonical form, durations as seconds.
"""

from __future__ import annotations

import ipaddress
import re
import warnings
from collections.abc import Callable, Iterable
from typing import LiteralString, NamedTuple, TypeVar

from pydantic_core import PydanticCustomError

from hadirector.model.policy import HealthyMinimum
from vrrp.model.configuration import Secret

Choice = TypeVar("Choice", bound=str)

EXPECTED: LiteralString = "expected"
HIDDEN: LiteralString = "hidden"

_DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(ms|s|m|h)", re.ASCII)
_UNIT_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_BRACKETED = re.compile(r"\[([^\]]*)\](?::(.*))?", re.DOTALL)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
REGEX_CHARACTERS_MAX = 1024
_SUCH_AS = 'such as 192.0.2.1:80 or "[2001:db8::1]:80"; host names are not resolved'


class Endpoint(NamedTuple):
    """An address with the port that was written to it."""

    address: str
    port: int | None


class PortRange(NamedTuple):
    """An address with all ports from ``first`` to ``last``."""

    address: str
    first: int
    last: int


def expected(what: str) -> PydanticCustomError:
    """Make the error that says what a value should have been."""
    return PydanticCustomError(EXPECTED, "{what}", {"what": what})


def hidden_expected(what: str) -> PydanticCustomError:
    """Make the error that says what a value should have been, and does not show what it is."""
    return PydanticCustomError(HIDDEN, "{what}", {"what": what})


def whole(low: int, high: int) -> Callable[[object], int]:
    """Read a whole number from ``low`` to ``high``."""

    def read(value: object) -> int:
        if type(value) is not int or not low <= value <= high:
            raise expected(f"a whole number from {low} to {high}")
        return value

    return read


def healthy_minimum(value: object) -> HealthyMinimum:
    """Read a number of servers, or a part of them in percent."""
    if type(value) is int and 0 <= value <= 65535:
        return HealthyMinimum(count=value)
    if isinstance(value, str) and re.fullmatch(r"[1-9][0-9]?%|100%", value, re.ASCII):
        return HealthyMinimum(percent=int(value.removesuffix("%")))
    raise expected("a number of real servers, or a part of them from 1% to 100%")


def percentage(value: object) -> int:
    """Read a part of something in percent."""
    if isinstance(value, str) and re.fullmatch(r"[1-9][0-9]?%|100%", value, re.ASCII):
        return int(value.removesuffix("%"))
    raise expected("a part from 1% to 100%")


def password(value: object) -> Secret:
    """Read a VRRP version 2 password."""
    if not isinstance(value, str) or not re.fullmatch(r"[\x21-\x7e]{1,8}", value):
        raise hidden_expected("1 to 8 visible ASCII characters, in quotes; no more are sent")
    return Secret(value.encode())


def boolean(value: object) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise expected("true or false")
    return value


def duration(low: str, high: str) -> Callable[[object], float]:
    """Read a duration from ``low`` to ``high``: with a unit, or a bare number of seconds."""
    low_seconds, high_seconds = _seconds(low), _seconds(high)

    def read(value: object) -> float:
        seconds = _seconds(value)
        # False for NaN as well.
        if not low_seconds <= seconds <= high_seconds:
            raise expected(f"a duration from {low} to {high}, such as 200ms, 2s, 1m or 1h")
        return seconds

    return read


def whole_seconds(low: str, high: str) -> Callable[[object], int]:
    """Read a duration of whole seconds."""
    in_range = duration(low, high)

    def read(value: object) -> int:
        seconds = in_range(value)
        if not seconds.is_integer():
            raise expected(f"whole seconds from {low} to {high}")
        return int(seconds)

    return read


def choice(allowed: Iterable[Choice]) -> Callable[[object], Choice]:
    """Read one of some words."""
    words = {str(each): each for each in allowed}

    def read(value: object) -> Choice:
        if isinstance(value, str) and value in words:
            return words[value]
        raise expected("one of " + ", ".join(words))

    return read


def text(pattern: str, what: str) -> Callable[[object], str]:
    """Read text that matches ``pattern`` as a whole; ``what`` describes it."""
    compiled = re.compile(pattern)

    def read(value: object) -> str:
        if isinstance(value, str) and compiled.fullmatch(value):
            return value
        if isinstance(value, int | float):
            raise expected(f"{what}, in quotes")
        raise expected(what)

    return read


def regular_expression(value: object) -> str:
    """Read a regular expression that Python's ``re`` accepts."""
    if not isinstance(value, str) or not 1 <= len(value) <= REGEX_CHARACTERS_MAX:
        raise expected(f"a regular expression of at most {REGEX_CHARACTERS_MAX} characters")
    try:
        with warnings.catch_warnings():
            # A pattern that a later Python may read in another way is accepted today.
            warnings.simplefilter("ignore")
            re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        raise expected(f"a regular expression: {error}") from error
    return value


def address(value: object) -> str:
    """Read an address that one host can have."""
    found = _address(value)
    if found is None:
        raise expected("a literal IPv4 or IPv6 address; host names are not resolved")
    return found


def endpoint(value: object) -> Endpoint:
    """Read ADDRESS or ADDRESS:PORT, with the IPv6 address in brackets then."""
    found, port = _split_endpoint(value)
    return Endpoint(found, None if port is None else _port(port))


def service_endpoint(value: object) -> Endpoint:
    """Read ADDRESS:PORT, where port 0 means all ports."""
    found, port = _split_endpoint(value)
    if port is None:
        raise expected(f"an address with its port, {_SUCH_AS}")
    return Endpoint(found, 0 if port == "0" else _port(port))


def port_range(value: object) -> PortRange:
    """Read ADDRESS:PORT or ADDRESS:FIRST-LAST."""
    found, ports = _split_endpoint(value)
    if ports is None:
        raise expected(f"an address with its port or ports (80-89), {_SUCH_AS}")
    first, dash, last = ports.partition("-")
    ports_read = PortRange(found, _port(first), _port(last if dash else first))
    if ports_read.last < ports_read.first:
        raise expected("the lower port first")
    return ports_read


def virtual_address(value: object) -> str:
    """Read an address with or without prefix length; without, it is one address (/32, /128)."""
    host, slash, length = value.partition("/") if isinstance(value, str) else ("", "", "")
    found = _address(host)
    if found is None:
        raise expected("a literal address, with or without /PREFIX-LENGTH")
    longest = 128 if ":" in found else 32
    if not slash:
        return f"{found}/{longest}"
    if not re.fullmatch(r"[1-9][0-9]{0,2}", length) or int(length) > longest:
        raise expected(f"a prefix length from 1 to {longest}")
    return f"{found}/{length}"


def _split_endpoint(value: object) -> tuple[str, str | None]:
    """Split off the port, as it is written, from an address in canonical form."""
    if not isinstance(value, str):
        raise _endpoint_expected()
    if bracketed := _BRACKETED.fullmatch(value):
        host, port = bracketed.groups()
        if ":" not in host:
            raise _endpoint_expected()
    elif value.count(":") == 1:
        host, port = value.split(":")
    else:
        host, port = value, None
    found = _address(host)
    if found is None:
        raise _endpoint_expected()
    return found, port


def _endpoint_expected() -> PydanticCustomError:
    return expected(f"ADDRESS:PORT, {_SUCH_AS}")


def _port(written: str) -> int:
    if not _PORT.fullmatch(written) or not 1 <= int(written) <= 65535:
        raise expected("a port from 1 to 65535 after the address")
    return int(written)


def _address(value: object) -> str | None:
    # A scope (fe80::1%eth0) has no place in IPVS or VRRP messages.
    if not isinstance(value, str) or "%" in value:
        return None
    try:
        found = ipaddress.ip_address(value)
    except ValueError:
        return None
    if found.is_unspecified or found.is_multicast or str(found) == "255.255.255.255":
        return None
    return str(found)


def _seconds(value: object) -> float:
    """Convert to seconds; NaN for what is no duration."""
    if isinstance(value, bool):
        return float("nan")
    if isinstance(value, int | float):
        return float(value)
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return float("nan")
    number, unit = match.groups()
    # Division keeps 13ms exactly 0.013; 13 * 0.001 is 0.013000000000000001.
    return float(number) / 1000 if unit == "ms" else float(number) * _UNIT_SECONDS[unit]
