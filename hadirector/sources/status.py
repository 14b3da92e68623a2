"""The state of the sources, as the director reports it. Pure."""

from __future__ import annotations

import msgspec


class PoolStatus(msgspec.Struct, frozen=True):
    """The members of a pool that come from one source.

    ``present`` and ``absent`` count its members. ``refusal`` is the reason why the latest list is
    not taken, or empty. ``waiting`` describes the changes that wait.
    """

    virtual_server: str
    present: int
    absent: int
    refusal: str = ""
    waiting: tuple[str, ...] = ()


class DocumentStatus(msgspec.Struct, frozen=True):
    """The accepted document of overrides. Its revision is None before the first one.

    ``released`` counts the overrides that operators have released here. ``refusal`` is the reason
    why the latest document is not taken, or empty.
    """

    revision: int | None
    overrides: int
    released: int
    refusal: str = ""


class PublicationStatus(msgspec.Struct, frozen=True):
    """The store to which this director writes its summary. Times are in seconds.

    ``age`` is the time since the latest summary was written, None before the first one of this run.
    ``failure`` is the reason why it cannot be written, since ``failing_for``.
    """

    location: str
    age: float | None
    failure: str = ""
    failing_for: float | None = None


class SourceStatus(msgspec.Struct, frozen=True):
    """A source. Times are in seconds.

    ``members`` is the length of its latest list, and ``age`` the time since the list was confirmed;
    both are None before the first reading of this run. ``failure`` is the reason why it cannot be
    read, since ``failing_for``. A source of overrides has a ``document`` instead of
    members.
    """

    name: str
    type: str
    location: str
    members: int | None
    age: float | None
    failure: str
    failing_for: float | None
    pools: tuple[PoolStatus, ...]
    document: DocumentStatus | None = None
