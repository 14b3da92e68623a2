"""An override: the order of an operator for one real server. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum
from hashlib import blake2b
from typing import Annotated, Final

import msgspec

from hadirector.model.configuration import VirtualServer
from hadirector.model.ipvs import HASH_SCHEDULERS
from hadirector.overrides.stamp import Stamp

DAY_SECONDS = 24 * 3600.0
_UNPRINTABLE: Final = (
    r"\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\ufeff\ufff9-\ufffb"
)
_SPACES: Final = r" \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
PRINTABLE: Final = f"^[^{_UNPRINTABLE}]*$"
"""A pattern (ECMA-262) of texts without characters that control a terminal: control characters,
line separators, and marks of direction. The end is strict, unlike that of Python."""
NOT_BLANK: Final = f"^[^{_UNPRINTABLE}]*[^{_UNPRINTABLE}{_SPACES}][^{_UNPRINTABLE}]*$"
"""A pattern of printable texts with more than spaces."""
Line = Annotated[str, msgspec.Meta(max_length=200, extra_json_schema={"pattern": PRINTABLE})]
Weight = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=366 * DAY_SECONDS)]


def is_printable(text: str) -> bool:
    """Return whether a text has no character that could control a terminal."""
    return _PRINTABLE.fullmatch(text) is not None


_PRINTABLE: Final = re.compile(PRINTABLE.removeprefix("^").removesuffix("$"))


class Action(StrEnum):
    """The effect that an override has on the real server."""

    DRAIN = "drain"
    DISABLE = "disable"
    WEIGHT = "weight"


class RealServerName(msgspec.Struct, frozen=True, order=True, gc=False):
    """The name of a real server of a virtual server, as in commands: web/192.0.2.45:80."""

    virtual_server: str
    real_server: str

    def __str__(self) -> str:
        return f"{self.virtual_server}/{self.real_server}"


class Author(msgspec.Struct, frozen=True, gc=False):
    """The operator of a change: the proven name, and the name that the client claims, if any."""

    name: str
    claimed: str = ""

    def __str__(self) -> str:
        return f"{self.name} (claimed: {self.claimed})" if self.claimed else self.name


class Override(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An override in force. A real server has at most one override, the latest.

    ``author`` is the proven name of the operator, and ``claimed`` the name that the client claims.
    ``ticket`` names the change in another system. ``set_at`` is when the override was set. At
    ``expires_at`` the override is removed. At ``deadline`` a drain ends even if connections remain.
    All three are monotonic seconds. ``ended`` is the reason why a drain has ended; the real
    server is then out of the table. ``keep_clients`` decides whether persistent clients stay on
    a draining real server. If it is None, the kernel's sysctl decides
    (expire_quiescent_template). ``stamp`` orders the overrides of several directors; None if they
    are not shared. ``source`` is the source of the document that has the override; empty if it was
    set on a director.
    """

    name: RealServerName
    action: Action
    author: str
    claimed: str = ""
    reason: str = ""
    ticket: str = ""
    weight: Weight = 0
    set_at: float | None = None
    expires_at: float | None = None
    deadline: float | None = None
    keep_clients: bool | None = None
    ended: str = ""
    stamp: Stamp | None = None
    source: str = ""

    def ends_by(self, now: float) -> bool:
        """Return whether the override expires at this time or earlier."""
        return self.expires_at is not None and now >= self.expires_at

    @property
    def description(self) -> str:
        """The action, its author and its reason. It contains no times, so it never changes."""
        action = {
            Action.DRAIN: f"drained ({self.ended})" if self.ended else "draining",
            Action.DISABLE: "disabled",
            Action.WEIGHT: f"weight {self.weight}",
        }[self.action]
        author = Author(self.author, self.claimed)
        origin = f" (source {self.source})" if self.source else ""
        return f"{action}, by {author}{origin}" + (f": {self.reason}" if self.reason else "")


class OverrideRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request to set an override. Its times are seconds from now."""

    action: Action
    reason: Line = ""
    ticket: Line = ""
    weight: Weight | None = None
    expires_in: Seconds | None = None
    deadline_in: Seconds | None = None
    keep_clients: bool | None = None

    def __post_init__(self) -> None:
        """Refuse characters that could control a terminal. Raises ValueError."""
        for key in ("reason", "ticket"):
            if not is_printable(getattr(self, key)):
                raise ValueError(f"the {key} has a character that is not printable")

    def contradiction(self) -> str | None:
        """Return the text of a contradiction within the request; None if there is none."""
        if self.action is Action.WEIGHT and self.weight is None:
            return "an override with the action weight needs a weight"
        if self.action is not Action.WEIGHT and self.weight is not None:
            return f"an override with the action {self.action} has no weight"
        if self.action is not Action.DRAIN:
            if self.deadline_in is not None:
                return "only a drain has a deadline"
            if self.keep_clients is not None:
                return "only a drain can keep or release persistent clients"
        return None

    def override(self, name: RealServerName, author: Author, now: float) -> Override:
        """Return the override for the real server with this full name."""
        return Override(
            name=name,
            action=self.action,
            author=author.name,
            claimed=author.claimed,
            reason=self.reason,
            ticket=self.ticket,
            set_at=now,
            weight=self.weight or 0,
            expires_at=None if self.expires_in is None else now + self.expires_in,
            deadline=None if self.deadline_in is None else now + self.deadline_in,
            keep_clients=self.keep_clients,
        )


def fingerprint(override: Override) -> str:
    """Return a text that differs for each override and each change of it."""
    return blake2b(msgspec.json.encode(override), digest_size=8).hexdigest()


def persistence_fault(
    server: VirtualServer, request: OverrideRequest, sysctl: str, value: str | None
) -> str | None:
    """Return why a drain cannot treat persistent clients as requested; None if it can.

    The sysctl expire_quiescent_template applies to all services (ipvs-sysctl.rst). ``sysctl``
    is its full name. ``value`` is its value, or None if this kernel does not have the sysctl.
    """
    if request.keep_clients is None:
        return None
    if not server.service.persistence:
        return f"{server.name} has no persistence, so it has no persistent clients"
    if value == str(int(not request.keep_clients)):
        return None
    consequence = "leaves" if value == "1" else "stays on"
    return (
        f"{sysctl} is {value or 'missing'}, so every persistent client {consequence} a"
        " draining server; to set it yourself, name it in sysctls.leave"
    )


def hashing_fault(
    server: VirtualServer, request: OverrideRequest, announced: Collection[str]
) -> str | None:
    """Return why a weight would give the directors different tables; None if it would not.

    ``announced`` are the addresses that several directors announce.
    """
    hashes = server.service.scheduler in HASH_SCHEDULERS
    shared = any(key.address in announced for key in server.keys)
    if request.action is not Action.WEIGHT or not hashes or not shared:
        return None
    return (
        f"{server.name} has the scheduler {server.service.scheduler} on an announced address: a"
        " weight on one director would send clients to other real servers. Change the weight in the"
        " configuration of all directors"
    )


def end_of_drain(override: Override, connections: int, now: float) -> str | None:
    """Return the reason why a drain ends now; None if it continues.

    ``connections`` is the number of connections that the real server still has.
    """
    if override.action is not Action.DRAIN or override.ended:
        return None
    if connections == 0:
        return "all connections have ended"
    if override.deadline is not None and now >= override.deadline:
        return f"the deadline passed with {connections} connections left"
    return None
