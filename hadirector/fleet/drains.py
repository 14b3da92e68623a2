"""Sets and ends a drain on one director of a fleet.

An existing drain is left unchanged, because setting it again would restart its time.
"""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.api.endpoint import Endpoint
from hadirector.fleet.asking import DEADLINE_SECONDS
from hadirector.overrides.model import Action
from hadirector.status.override_status import OverrideStatus

Body = Mapping[str, object]
"""The body of a request to set an override."""
_OVERRIDES: Final = "/v1/overrides"


class _Member(msgspec.Struct):
    override: Action | None = None


class _Done(msgspec.Struct):
    description: str = ""
    name: str = ""
    overrides: tuple[_Done, ...] = ()


def drain_one(endpoint: Endpoint, place: str, body: Body) -> str:
    """Drain the real server with this route; return a text. Raises ApiError."""
    if _read_override(endpoint, place) is Action.DRAIN:
        answer = _ask(endpoint, "GET", f"{place}/override")
        present = msgspec.json.decode(answer, type=OverrideStatus)
        if _is_same(present, body):
            return f"{present.description} (already)"
    answer = _ask(endpoint, "PUT", f"{place}/override", body)
    return msgspec.json.decode(answer, type=OverrideStatus).description


def undrain_one(endpoint: Endpoint, place: str) -> str:
    """End the drain of the real server with this route; return a text. Raises ApiError."""
    if _read_override(endpoint, place) is None:
        return "not drained (already)"
    answer = _ask(endpoint, "DELETE", f"{place}/override?action=drain")
    return msgspec.json.decode(answer, type=_Done).description


def drain_several(endpoint: Endpoint, patterns: Mapping[str, str], body: Body) -> str:
    """Drain the selected real servers; return a text. Raises ApiError."""
    answer = _ask(endpoint, "POST", _OVERRIDES, {**patterns, **body})
    names = [each.name for each in msgspec.json.decode(answer, type=_Done).overrides]
    return f"draining {', '.join(names)}"


def undrain_several(endpoint: Endpoint, patterns: Mapping[str, str]) -> str:
    """End the drains of the selected real servers; return a text. Raises ApiError."""
    removal = {**patterns, "action": Action.DRAIN.value}
    try:
        answer = _ask(endpoint, "POST", f"{_OVERRIDES}/remove", removal)
    except ApiError as error:
        if error.status != http.client.NOT_FOUND or patterns["real_server"] != "*":
            raise
        # Without a virtual server of this name, this fails too.
        _ask(endpoint, "GET", f"/v1/virtual-servers/{quote(patterns['virtual_server'], '')}")
        return "not drained (already)"
    return msgspec.json.decode(answer, type=_Done).description


def real_server_place(virtual_server: str, real_server: str) -> str:
    """Return the route of a real server."""
    return f"/v1/virtual-servers/{quote(virtual_server, '')}/real-servers/{quote(real_server, '')}"


def _read_override(endpoint: Endpoint, place: str) -> Action | None:
    return msgspec.json.decode(_ask(endpoint, "GET", place), type=_Member).override


def _is_same(present: OverrideStatus, body: Body) -> bool:
    """Return whether the current drain has this body. A drain with a time is a new one."""
    timed = body.get("expires_in") is not None or body.get("deadline_in") is not None
    ended = present.expires_at is not None or present.deadline_at is not None
    keeps = body.get("keep_clients")
    same = present.reason == body.get("reason", "") and present.keep_clients == keeps
    return same and not timed and not ended


def _ask(endpoint: Endpoint, method: str, route: str, body: object = None) -> bytes:
    return request(endpoint, method, route, body, timeout=DEADLINE_SECONDS)
