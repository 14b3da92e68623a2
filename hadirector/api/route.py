"""The declaration of an API operation. Its handler and its documentation are made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeAlias, TypeVar

import msgspec
from aiohttp import web

from hadirector.api.actor import Actor, Role
from hadirector.api.problems import Code

if TYPE_CHECKING:
    from hadirector.api.context import Context

Q = TypeVar("Q")
B = TypeVar("B")
A = TypeVar("A")
Method: TypeAlias = Literal["GET", "PUT", "POST", "DELETE"]

Kind: TypeAlias = Any
"""A type, or a union of types, which ``type[...]`` cannot express."""
JSON: Final = "application/json"
JSON_BYTES_MAX: Final = 64 * 1024
"""The maximum size of a JSON body."""


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The type of a query without parameters, or of a request without a body."""


@dataclass(frozen=True)
class Call(Generic[Q, B]):
    """One request, as its handler receives it.

    ``names`` are the decoded names in the path. ``query`` and ``body`` have the types that the
    route declares.
    """

    context: Context
    request: web.BaseRequest
    actor: Actor
    names: Mapping[str, str]
    query: Q
    body: B


@dataclass(frozen=True)
class Reply(Generic[A]):
    """The content of an answer, with its HTTP status and headers."""

    content: A
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Route(Generic[Q, B, A]):
    """One operation of the API.

    ``path`` has names in braces. ``role`` is the role that the operation needs; an operation
    without a role is open to every client that can connect. ``answer`` is the type of the content
    of a good answer, in the media type ``media``. ``problems`` are the codes that this operation
    can return besides the codes of every operation. The answer of a ``tagged`` operation has an
    ETag. A ``conditional`` operation answers with status 304 if its client knows the ETag.
    """

    method: Method
    path: str
    name: str
    summary: str
    role: Role | None
    handler: Callable[[Call[Q, B]], Awaitable[Reply[A] | web.StreamResponse]]
    query: type[Q]
    body: type[B]
    answer: Kind
    media: str = JSON
    status: int = 200
    problems: tuple[Code, ...] = ()
    body_media: str = JSON
    body_bytes_max: int = JSON_BYTES_MAX
    body_required: bool = True
    conditional: bool = False
    tagged: bool = False

    @property
    def segments(self) -> tuple[str, ...]:
        """The parts of the path between the slashes."""
        return tuple(self.path.split("/")[1:])

    @property
    def has_body(self) -> bool:
        """Whether a request of this operation may have a body."""
        return self.body is not Nothing

    @property
    def changes(self) -> bool:
        """Whether the operation changes something, so that it is recorded with its actor."""
        return self.role is not None and self.role is not Role.READ


AnyRoute: TypeAlias = Route[Any, Any, Any]
