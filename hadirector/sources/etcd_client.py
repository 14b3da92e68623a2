"""A client of etcd 3.4 and later, over its JSON gateway.

Nothing here is stored between two calls, so a caller can cancel each call at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import Final, TypeVar

import msgspec

from hadirector.sources.errors import RequestError
from hadirector.sources.etcd_messages import (
    Event,
    LeaseAnswer,
    RangeAnswer,
    TransactionAnswer,
    WatchAnswer,
    WriteAnswer,
    delete_request,
    lease_request,
    range_request,
    read_answer,
    read_stream_line,
    replace_request,
    watch_request,
    write_request,
)
from hadirector.sources.http_client import NO_ACCESS, Access, HttpClient, Request, Stream

KEYS_MAX: Final = 10_000
"""Keys of one range."""
WATCH_SECONDS: Final = 60.0

Content = TypeVar("Content", bound=msgspec.Struct)


class CompactedError(Exception):
    """etcd no longer stores the changes since a revision. The keys must be read again."""


class Changes(msgspec.Struct, frozen=True):
    """The changes of watched keys, and the revision up to which they are complete."""

    events: tuple[Event, ...]
    revision: int


class EtcdClient:
    """Reads, watches and changes keys. ``urls`` are the members of one cluster.

    Each call ends within ``timeout`` seconds, apart from ``watch``. Each call raises RequestError
    if etcd does not answer, refuses the request, or answers with something else.
    """

    def __init__(
        self, urls: Sequence[str], timeout: float = 3.0, access: Access = NO_ACCESS
    ) -> None:
        # etcd expects its token without a word before it.
        self._http = HttpClient(urls, timeout, access._replace(scheme=""))
        self._timeout = timeout

    async def range(self, key: str, *, prefix: bool = False) -> RangeAnswer:
        """Return a key, or all keys that begin with it, and the revision that they are of."""
        request = range_request(key.encode(), prefix=prefix, limit=KEYS_MAX + 1)
        answer = await self._call("kv/range", request, RangeAnswer)
        if len(answer.values) > KEYS_MAX:
            raise RequestError(f"more than {KEYS_MAX} keys begin with {key}")
        return answer

    async def watch(
        self, key: str, *, after: int, prefix: bool = False, longest: float = WATCH_SECONDS
    ) -> Changes:
        """Return the first changes after a revision. Without any, return after ``longest`` seconds.

        A change between two calls is not lost, because etcd stores it. Raises CompactedError if
        etcd does not store it any more.
        """
        request = watch_request(key.encode(), prefix=prefix, start=after + 1)
        until = monotonic() + longest
        async with self._http.open(Request("POST", "/v3/watch", request)) as stream:
            if (created := await _answer(stream, self._timeout)) is None or not created.created:
                raise RequestError("etcd did not accept the watch")
            while (left := until - monotonic()) > 0:
                answer = await _answer(stream, left)
                if answer is None:
                    break
                if answer.events:
                    return Changes(answer.events, answer.header.revision)
        return Changes((), after)

    async def write(self, key: str, value: bytes, *, lease: int = 0) -> int:
        """Store a value, which ends with the lease unless that is 0; return the revision."""
        request = write_request(key.encode(), value, lease)
        return (await self._call("kv/put", request, WriteAnswer)).header.revision

    async def delete(self, key: str) -> int:
        """Delete a key; return the revision."""
        request = delete_request(key.encode())
        return (await self._call("kv/deleterange", request, WriteAnswer)).header.revision

    async def replace(
        self, key: str, value: bytes | None, *, expected: int, lease: int = 0
    ) -> int | None:
        """Compare and swap: change a key only if its ``mod_revision`` is ``expected``.

        ``expected`` 0 stands for a key that does not exist, and ``value`` None deletes it. Return
        the new revision; None if the key has another revision, and nothing was changed.
        """
        request = replace_request(key.encode(), value, expected, lease)
        answer = await self._call("kv/txn", request, TransactionAnswer)
        return answer.header.revision if answer.succeeded else None

    async def grant(self, seconds: int) -> int:
        """Return a new lease, which ends after this time without ``keep_alive``."""
        answer = await self._call("lease/grant", lease_request(seconds=seconds), LeaseAnswer)
        if not answer.lease:
            raise RequestError("etcd granted no lease")
        return answer.lease

    async def keep_alive(self, lease: int) -> int:
        """Prolong a lease; return its time in seconds, 0 if it has ended."""
        body = await self._request("lease/keepalive", lease_request(lease=lease))
        return read_stream_line(body, LeaseAnswer).seconds

    async def revoke(self, lease: int) -> None:
        """End a lease, and delete its keys."""
        await self._request("lease/revoke", lease_request(lease=lease))

    async def _call(self, method: str, request: bytes, kind: type[Content]) -> Content:
        return read_answer(await self._request(method, request), kind)

    async def _request(self, method: str, request: bytes) -> bytes:
        return (await self._http.request(Request("POST", f"/v3/{method}", request))).body


async def _answer(stream: Stream, within: float) -> WatchAnswer | None:
    """Return the next answer of a watch; None if none begins within this time."""
    line = await stream.line(within)
    if line is None:
        return None
    answer = read_stream_line(line, WatchAnswer)
    if answer.compact_revision:
        raise CompactedError
    if answer.canceled:
        raise RequestError(f"etcd ended the watch: {answer.cancel_reason[:200]}")
    return answer
