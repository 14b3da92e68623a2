"""The description of the API itself: its OpenAPI document, and its problems."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

import msgspec

from hadirector import __version__
from hadirector.api.openapi import describe_api
from hadirector.api.problems import KINDS, Code, unknown_object
from hadirector.api.route import Call, Nothing, Reply


class ProblemKind(msgspec.Struct, frozen=True):
    """A code of problems: its status, its title, and what to do about it."""

    code: Code
    status: int
    title: str
    remedy: str


async def read_openapi(_call: Call[Nothing, Nothing]) -> Reply[Any]:
    """Answer with the OpenAPI document."""
    return Reply(await asyncio.to_thread(_document))


async def read_problem(call: Call[Nothing, Nothing]) -> Reply[ProblemKind]:
    """Answer with the description of a code of problems."""
    name = call.names["code"]
    if name not in list(Code):
        raise unknown_object("problem", name, list(Code))
    code = Code(name)
    kind = KINDS[code]
    return Reply(ProblemKind(code, kind.status, kind.title, kind.remedy))


@cache
def _document() -> bytes:
    from hadirector.api.routes import ROUTES  # the routes refer to this handler

    return msgspec.json.encode(describe_api(ROUTES, __version__))
