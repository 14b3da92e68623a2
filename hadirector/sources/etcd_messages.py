"""The messages of etcd's JSON gateway (API v3: ``rpc.proto`` and ``kv.proto`` of etcd). Pure.

Numbers of 64 bits are texts in JSON, keys and values are in base64, and absent means 0 or empty.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from hadirector.sources.errors import RequestError

Content = TypeVar("Content", bound=msgspec.Struct)


class KeyValue(msgspec.Struct, frozen=True, gc=False):
    """A key with its value.

    ``mod_revision`` is the revision of its last change. ``lease`` is the lease that it ends with,
    or 0.
    """

    key: bytes = b""
    value: bytes = b""
    mod_revision: int = 0
    lease: int = 0


class Header(msgspec.Struct, frozen=True):
    """The revision of the store that an answer is of."""

    revision: int = 0


class RangeAnswer(msgspec.Struct, frozen=True, rename={"values": "kvs"}):
    """The keys of a range."""

    header: Header
    values: tuple[KeyValue, ...] = ()
    more: bool = False


class WriteAnswer(msgspec.Struct, frozen=True):
    """The revision of a change."""

    header: Header


class TransactionAnswer(msgspec.Struct, frozen=True):
    """Whether the condition of a transaction held, and the revision of its change."""

    header: Header
    succeeded: bool = False


class LeaseAnswer(msgspec.Struct, frozen=True, rename={"lease": "ID", "seconds": "TTL"}):
    """A lease. ``seconds`` is how long it lasts from now, 0 if it has ended."""

    lease: int = 0
    seconds: int = 0


class Event(msgspec.Struct, frozen=True, rename={"kind": "type", "changed": "kv"}):
    """A change of a key: ``kind`` is PUT or DELETE."""

    changed: KeyValue
    kind: str = "PUT"

    @property
    def deleted(self) -> bool:
        """Whether the key was deleted."""
        return self.kind == "DELETE"


class WatchAnswer(msgspec.Struct, frozen=True):
    """Changes of watched keys.

    ``compact_revision`` is not 0 if the changes since the asked revision are no longer stored.
    """

    header: Header = Header()
    events: tuple[Event, ...] = ()
    created: bool = False
    canceled: bool = False
    cancel_reason: str = ""
    compact_revision: int = 0


class _StreamError(msgspec.Struct, frozen=True):
    message: str = ""


class _Streamed(msgspec.Struct, Generic[Content], frozen=True):
    result: Content | None = None
    error: _StreamError | None = None


def read_answer(text: bytes, kind: type[Content]) -> Content:
    """Return an answer of this kind. Raises RequestError."""
    try:
        return msgspec.json.decode(text, type=kind, strict=False)
    except (msgspec.DecodeError, UnicodeError, RecursionError, OverflowError) as error:
        raise RequestError(f"not an answer of etcd: {error}") from error


def read_stream_line(text: bytes, kind: type[Content]) -> Content:
    """Return an answer of this kind from a line of a stream. Raises RequestError."""
    streamed: _Streamed[Content] = read_answer(text, _Streamed[kind])  # type: ignore[valid-type]  # a type made at run time
    if streamed.error is not None:
        raise RequestError(f"etcd: {streamed.error.message[:200]}")
    if streamed.result is None:
        raise RequestError("not an answer of etcd: neither a result nor an error")
    return streamed.result


def range_request(key: bytes, *, prefix: bool, limit: int) -> bytes:
    """Return the request for a key, or for all keys that begin with it."""
    return _encode({**_keys(key, prefix=prefix), "limit": limit})


def watch_request(key: bytes, *, prefix: bool, start: int) -> bytes:
    """Return the request for all changes of the keys since a revision, including it."""
    return _encode({"create_request": {**_keys(key, prefix=prefix), "start_revision": start}})


def write_request(key: bytes, value: bytes, lease: int) -> bytes:
    """Return the request that stores a value, which ends with the lease unless that is 0."""
    return _encode(_write(key, value, lease))


def delete_request(key: bytes) -> bytes:
    """Return the request that deletes a key."""
    return _encode({"key": key})


def replace_request(key: bytes, value: bytes | None, expected: int, lease: int) -> bytes:
    """Return the request that changes a key only if it was last changed at a revision.

    With ``expected`` 0 it must not exist. ``value`` None deletes it.
    """
    change: dict[str, Any] = (
        {"request_delete_range": {"key": key}}
        if value is None
        else {"request_put": _write(key, value, lease)}
    )
    condition = {"target": "MOD", "result": "EQUAL", "key": key, "mod_revision": expected}
    return _encode({"compare": [condition], "success": [change]})


def lease_request(*, seconds: int = 0, lease: int = 0) -> bytes:
    """Return the request for a new lease, or about an existing one."""
    return _encode({"TTL": seconds} if seconds else {"ID": lease})


def _write(key: bytes, value: bytes, lease: int) -> dict[str, Any]:
    return {"key": key, "value": value, "lease": lease}


def _keys(key: bytes, *, prefix: bool) -> dict[str, Any]:
    return {"key": key, "range_end": _end(key)} if prefix else {"key": key}


def _end(prefix: bytes) -> bytes:
    """Return the first key after all keys with this prefix (``WithPrefix`` of etcd's clients)."""
    for length in range(len(prefix), 0, -1):
        if prefix[length - 1] < 0xFF:
            return prefix[: length - 1] + bytes((prefix[length - 1] + 1,))
    return b"\0"


def _encode(request: dict[str, Any]) -> bytes:
    return msgspec.json.encode(request)
