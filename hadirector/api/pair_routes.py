"""The routes of the pair, a part of the table of routes."""

from __future__ import annotations

from typing import Final

from hadirector.api.actor import Role
from hadirector.api.problems import Code
from hadirector.api.resources import pair
from hadirector.api.route import AnyRoute, Nothing, Route
from hadirector.pair.report import PairReport

PAIR_ROUTES: Final[tuple[AnyRoute, ...]] = (
    Route(
        method="GET",
        path="/v1/pair",
        name="read_pair",
        summary="The directors of the pair side by side, as this director sees them.",
        role=Role.READ,
        handler=pair.read_pair,
        query=Nothing,
        body=Nothing,
        answer=PairReport,
        problems=(Code.NOT_FOUND, Code.DATAPLANE),
    ),
)
