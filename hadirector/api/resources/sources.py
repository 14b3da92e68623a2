"""The discovery sources: their state, and the acceptance of a list that is small."""

from __future__ import annotations

import msgspec

from hadirector.api.problems import Code, ProblemError
from hadirector.api.route import Call, Nothing, Reply
from hadirector.api.scope import require_whole_director
from hadirector.sources.discovery import UnknownSourceError
from hadirector.sources.status import SourceStatus


class SourcesState(msgspec.Struct, frozen=True):
    """The state of each source."""

    sources: tuple[SourceStatus, ...]


class Acceptance(msgspec.Struct, frozen=True):
    """The number of members, or of overrides, that are accepted."""

    members: int


async def read_sources(call: Call[Nothing, Nothing]) -> Reply[SourcesState]:
    """Answer with the state of each source."""
    return Reply(SourcesState(call.context.director.sources()))


async def accept_source(call: Call[Nothing, Nothing]) -> Reply[Acceptance]:
    """Take the current list of a source."""
    require_whole_director(call.actor)
    document = call.context.director.document_overrides.accept(call.names["source"])
    if document is not None:
        return Reply(Acceptance(document))
    try:
        return Reply(Acceptance(call.context.director.discovery.accept(call.names["source"])))
    except UnknownSourceError as error:
        raise ProblemError(Code.NOT_FOUND, str(error)) from error
