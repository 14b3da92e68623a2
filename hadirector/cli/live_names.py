"""Requests the names of the objects of a director, for the completion of a word."""

from __future__ import annotations

import argparse
import contextlib
import signal
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Final

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import api_socket
from hadirector.cli.complete import Names
from hadirector.cli.selection import address_of

LIMIT_SECONDS: Final = 0.2


class LateError(Exception):
    """The director did not answer within the limit."""


class _Member(msgspec.Struct):
    address: str


class _Pool(msgspec.Struct):
    name: str
    real_servers: tuple[_Member, ...]


class _Instance(msgspec.Struct):
    instance: str


class _Objects(msgspec.Struct):
    """The part of a status that has names."""

    virtual_servers: tuple[_Pool, ...]
    instances: tuple[_Instance, ...]


def request_names(words: Sequence[str]) -> Names:
    """Return the names that the director of this command line uses.

    The names are empty if the director does not answer in time.
    """
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    api_socket.add_argument(parser)
    try:
        arguments, _ = parser.parse_known_args([word for word in words if word])
        api_socket.choose_endpoint(arguments)
        with _time_limit():
            answer = request(arguments.socket, "GET", "/v1/status", timeout=LIMIT_SECONDS)
            found = msgspec.json.decode(answer, type=_Objects)
    except (ApiError, LateError, msgspec.DecodeError, argparse.ArgumentError, SystemExit):
        return Names()
    members = [
        (pool.name, member.address)
        for pool in found.virtual_servers
        for member in pool.real_servers
    ]
    return Names(
        tuple(pool.name for pool in found.virtual_servers),
        tuple(f"{pool}/{member}" for pool, member in members),
        tuple(dict.fromkeys(address_of(member) for _, member in members)),
        tuple(each.instance for each in found.instances),
    )


@contextlib.contextmanager
def _time_limit() -> Iterator[None]:
    """Raise LateError inside the context when the time is over."""

    def expire(_signal: int, _frame: FrameType | None) -> None:
        raise LateError

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, LIMIT_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
