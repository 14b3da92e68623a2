"""The answers of the API of Kubernetes to a list and a watch of EndpointSlices. Pure.

https://kubernetes.io/docs/reference/using-api/api-concepts/, "Efficient detection of changes".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from hadirector.sources.documents import Metadata, Slice
from hadirector.sources.errors import RequestError

SLICES_MAX: Final = 10_000
_GONE: Final = 410


class ExpiredError(Exception):
    """The server no longer knows the changes since a version. The list must be read again."""


class Page(msgspec.Struct, frozen=True):
    """A part of a list. ``metadata.rest`` is the token for the next part."""

    metadata: Metadata
    items: list[Slice]


class WatchedSlices(msgspec.Struct, frozen=True):
    """The EndpointSlices of a service by their names, as they are at a version."""

    slices: Mapping[str, Slice]
    version: str


class _Event(msgspec.Struct, frozen=True, rename={"kind": "type", "thing": "object"}):
    kind: str
    thing: msgspec.Raw


class _Bookmark(msgspec.Struct, frozen=True):
    metadata: Metadata


class _Status(msgspec.Struct, frozen=True):
    code: int = 0
    message: str = ""


Content = TypeVar("Content")


def read_page(text: bytes) -> Page:
    """Return a part of a list. Raises RequestError."""
    return _decode(text, Page)


def apply_event(known: WatchedSlices, text: bytes) -> WatchedSlices:
    """Return the slices after an event of a watch. Raises ExpiredError and RequestError."""
    event = _decode(text, _Event)
    match event.kind:
        case "BOOKMARK":
            version = _decode(event.thing, _Bookmark).metadata.version
            return WatchedSlices(known.slices, version or known.version)
        case "ADDED" | "MODIFIED" | "DELETED":
            changed = _decode(event.thing, Slice)
            slices = {**known.slices, changed.metadata.name: changed}
            if event.kind == "DELETED":
                del slices[changed.metadata.name]
            if len(slices) > SLICES_MAX:
                raise RequestError(f"more than {SLICES_MAX} EndpointSlices")
            return WatchedSlices(slices, changed.metadata.version or known.version)
        case "ERROR":
            status = _decode(event.thing, _Status)
            if status.code == _GONE:
                raise ExpiredError
            raise RequestError(f"the watch ended: {status.code} {status.message[:200]}")
    raise RequestError(f"an event of the unknown type {event.kind[:60]!r}")


def _decode(text: bytes | msgspec.Raw, kind: type[Content]) -> Content:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise RequestError(f"not an answer of Kubernetes: {error}") from error
