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
    Route(
        method="GET",
        path="/v1/pair/texts/{peer}",
        name="read_pair_texts",
        summary="The configurations of this director and of a peer, without their secrets.",
        role=Role.READ,
        handler=pair.read_texts,
        query=Nothing,
        body=Nothing,
        answer=pair.PairTexts,
        problems=(Code.NOT_FOUND, Code.NOT_POSSIBLE),
    ),
)
