"""The routes of the pair link. Only the private connections of the web process have them.

They are no part of the API for operators, so no document describes them.
"""

from __future__ import annotations

from typing import Final

from hadirector.api.actor import Role
from hadirector.api.problems import Code
from hadirector.api.resources import link
from hadirector.api.route import AnyRoute, Nothing, Route
from hadirector.pair.peer_configuration import ANSWER_BYTES_MAX, PeerConfiguration
from hadirector.pair.peers import PeerReport
from hadirector.pair.state import STATE_BYTES_MAX, PairState

LINK_ROUTES: Final[tuple[AnyRoute, ...]] = (
    Route(
        method="GET",
        path="/v1/pair/state",
        name="read_own_state",
        summary="The state of this director for its peers.",
        role=Role.READ,
        handler=link.read_own_state,
        query=link.StateQuery,
        body=Nothing,
        answer=PairState,
        problems=(Code.NOT_POSSIBLE,),
    ),
    Route(
        method="GET",
        path="/v1/pair/configuration",
        name="read_own_configuration",
        summary="The configuration of this director for its peers, without its secrets.",
        role=Role.READ,
        handler=link.read_own_configuration,
        query=Nothing,
        body=Nothing,
        answer=PeerConfiguration,
        problems=(Code.NOT_POSSIBLE,),
    ),
    # A report is information, not a change by an operator. So its role is read.
    Route(
        method="PUT",
        path="/v1/pair/peers/{peer}",
        name="report_peer",
        summary="Report the state of a peer.",
        role=Role.READ,
        handler=link.report_peer,
        query=Nothing,
        body=PeerReport,
        answer=link.Received,
        # The web process writes the fields out that a peer has left out.
        body_bytes_max=2 * STATE_BYTES_MAX,
        problems=(Code.NOT_FOUND,),
    ),
    Route(
        method="PUT",
        path="/v1/pair/peers/{peer}/configuration",
        name="report_configuration",
        summary="Report the configuration of a peer.",
        role=Role.READ,
        handler=link.report_configuration,
        query=Nothing,
        body=PeerConfiguration,
        answer=link.Received,
        body_bytes_max=ANSWER_BYTES_MAX,
        problems=(),
    ),
)
