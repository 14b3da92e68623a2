"""The routes of discovery sources, a part of the table of routes."""

from __future__ import annotations

from typing import Final

from hadirector.api.actor import Role
from hadirector.api.problems import Code
from hadirector.api.resources import sources
from hadirector.api.route import AnyRoute, Nothing, Route

SOURCE_ROUTES: Final[tuple[AnyRoute, ...]] = (
    Route(
        method="GET",
        path="/v1/sources",
        name="read_sources",
        summary="The discovery sources, with the members that the pools have accepted.",
        role=Role.READ,
        handler=sources.read_sources,
        query=Nothing,
        body=Nothing,
        answer=sources.SourcesState,
    ),
    Route(
        method="POST",
        path="/v1/sources/{source}/accept",
        name="accept_source",
        summary="Take the current list of a source, even if it is small.",
        role=Role.OPERATE,
        handler=sources.accept_source,
        query=Nothing,
        body=Nothing,
        answer=sources.Acceptance,
        body_required=False,
        problems=(Code.NOT_FOUND,),
    ),
)
