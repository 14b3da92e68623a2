"""The routes of the overview, of virtual servers and of real servers."""

from __future__ import annotations

from typing import Final

from hadirector.api.actor import Role
from hadirector.api.problems import Code
from hadirector.api.resources import pools
from hadirector.api.route import AnyRoute, Nothing, Route
from hadirector.status.explanation import RealServerExplanation, VirtualServerExplanation
from hadirector.status.overview import Overview, VirtualServerDetail
from hadirector.status.report import RealServerStatus

VIRTUAL_SERVER: Final = "/v1/virtual-servers/{virtual_server}"
REAL_SERVER: Final = f"{VIRTUAL_SERVER}/real-servers/{{real_server}}"

POOL_ROUTES: Final[tuple[AnyRoute, ...]] = (
    Route(
        method="GET",
        path="/v1/overview",
        name="read_overview",
        summary="The verdict on the director, and a row for each instance and virtual server.",
        role=Role.READ,
        handler=pools.read_overview,
        query=Nothing,
        body=Nothing,
        answer=Overview,
        conditional=True,
        problems=(Code.DATAPLANE,),
    ),
    Route(
        method="GET",
        path="/v1/virtual-servers",
        name="read_virtual_servers",
        summary="A page of virtual servers.",
        role=Role.READ,
        handler=pools.read_virtual_servers,
        query=pools.VirtualServersQuery,
        body=Nothing,
        answer=pools.VirtualServers,
        problems=(Code.DATAPLANE,),
    ),
    Route(
        method="GET",
        path=VIRTUAL_SERVER,
        name="read_virtual_server",
        summary="A virtual server with its problems.",
        role=Role.READ,
        handler=pools.read_virtual_server,
        query=Nothing,
        body=Nothing,
        answer=VirtualServerDetail,
        problems=(Code.NOT_FOUND, Code.DATAPLANE),
    ),
    Route(
        method="GET",
        path=f"{VIRTUAL_SERVER}/why",
        name="explain_virtual_server",
        summary="Why a virtual server serves or does not.",
        role=Role.READ,
        handler=pools.explain_virtual_server,
        query=Nothing,
        body=Nothing,
        answer=VirtualServerExplanation,
        problems=(Code.NOT_FOUND, Code.DATAPLANE),
    ),
    Route(
        method="GET",
        path=f"{VIRTUAL_SERVER}/real-servers",
        name="read_real_servers",
        summary="A page of the real servers of a virtual server.",
        role=Role.READ,
        handler=pools.read_real_servers,
        query=pools.RealServersQuery,
        body=Nothing,
        answer=pools.RealServers,
        problems=(Code.NOT_FOUND, Code.DATAPLANE),
    ),
    Route(
        method="GET",
        path=REAL_SERVER,
        name="read_real_server",
        summary="A real server, as the kernel has it now.",
        role=Role.READ,
        handler=pools.read_real_server,
        query=Nothing,
        body=Nothing,
        answer=RealServerStatus,
        problems=(Code.NOT_FOUND, Code.NOT_POSSIBLE, Code.DATAPLANE),
    ),
    Route(
        method="GET",
        path=f"{REAL_SERVER}/why",
        name="explain_real_server",
        summary="Why a real server has its weight.",
        role=Role.READ,
        handler=pools.explain_real_server,
        query=Nothing,
        body=Nothing,
        answer=RealServerExplanation,
        problems=(Code.NOT_FOUND, Code.NOT_POSSIBLE, Code.DATAPLANE),
    ),
)
