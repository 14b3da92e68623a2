"""The routes of VRRP instances and handovers."""

from __future__ import annotations

from typing import Final

from hadirector.api.actor import Role
from hadirector.api.problems import Code
from hadirector.api.resources import instances
from hadirector.api.resources.overrides import RemovalBody
from hadirector.api.route import AnyRoute, Nothing, Route
from hadirector.director.handovers import HandoverRequest
from hadirector.status.explanation import InstanceExplanation
from hadirector.status.handover_status import HandoverStatus
from vrrp.model.report import InstanceStatus

_INSTANCE: Final = "/v1/instances/{instance}"

INSTANCE_ROUTES: Final[tuple[AnyRoute, ...]] = (
    Route(
        method="GET",
        path="/v1/instances",
        name="read_instances",
        summary="All VRRP instances.",
        role=Role.READ,
        handler=instances.read_instances,
        query=Nothing,
        body=Nothing,
        answer=instances.Instances,
    ),
    Route(
        method="GET",
        path=_INSTANCE,
        name="read_instance",
        summary="A VRRP instance.",
        role=Role.READ,
        handler=instances.read_instance,
        query=Nothing,
        body=Nothing,
        answer=InstanceStatus,
        problems=(Code.NOT_FOUND,),
    ),
    Route(
        method="GET",
        path=f"{_INSTANCE}/why",
        name="explain_instance",
        summary="Why a VRRP instance has its state, and which takeover would follow.",
        role=Role.READ,
        handler=instances.explain_instance,
        query=Nothing,
        body=Nothing,
        answer=InstanceExplanation,
        problems=(Code.NOT_FOUND,),
    ),
    Route(
        method="GET",
        path=f"{_INSTANCE}/handover",
        name="read_handover",
        summary="The handover of a VRRP instance.",
        role=Role.READ,
        handler=instances.read_handover,
        query=Nothing,
        body=Nothing,
        answer=HandoverStatus,
        problems=(Code.NOT_FOUND,),
    ),
    Route(
        method="PUT",
        path=f"{_INSTANCE}/handover",
        name="begin_handover",
        summary="Hand a VRRP instance over to the peers.",
        role=Role.OPERATE,
        handler=instances.begin_handover,
        query=Nothing,
        body=HandoverRequest,
        answer=HandoverStatus,
        body_required=False,
        problems=(Code.NOT_FOUND, Code.NOT_POSSIBLE, Code.STANDBY_NOT_READY),
    ),
    Route(
        method="DELETE",
        path=f"{_INSTANCE}/handover",
        name="undo_handover",
        summary="Undo the handover of a VRRP instance.",
        role=Role.OPERATE,
        handler=instances.undo_handover,
        query=Nothing,
        body=RemovalBody,
        answer=instances.Undone,
        body_required=False,
        problems=(Code.NOT_FOUND, Code.NOT_POSSIBLE),
    ),
    Route(
        method="GET",
        path="/v1/handover",
        name="read_handovers",
        summary="All handovers in force.",
        role=Role.READ,
        handler=instances.read_handovers,
        query=Nothing,
        body=Nothing,
        answer=instances.Handovers,
    ),
    Route(
        method="PUT",
        path="/v1/handover",
        name="begin_handovers",
        summary="Hand all VRRP instances over to the peers.",
        role=Role.OPERATE,
        handler=instances.begin_handovers,
        query=Nothing,
        body=HandoverRequest,
        answer=instances.Handovers,
        body_required=False,
        problems=(Code.NOT_FOUND, Code.NOT_POSSIBLE, Code.STANDBY_NOT_READY),
    ),
    Route(
        method="DELETE",
        path="/v1/handover",
        name="undo_handovers",
        summary="Undo the handovers of all VRRP instances.",
        role=Role.OPERATE,
        handler=instances.undo_handovers,
        query=Nothing,
        body=RemovalBody,
        answer=instances.Undone,
        body_required=False,
        problems=(Code.NOT_FOUND, Code.NOT_POSSIBLE),
    ),
    Route(
        method="GET",
        path="/instances/{instance}/active",
        name="read_active",
        summary="Status 200 while this director is ACTIVE for a VRRP instance, else 503.",
        role=Role.READ,
        handler=instances.read_active,
        query=Nothing,
        body=Nothing,
        answer=instances.Role,
        problems=(Code.NOT_FOUND, Code.NOT_READY),
    ),
    Route(
        method="GET",
        path="/instances/{instance}/backup",
        name="read_backup",
        summary="Status 200 while this director is BACKUP for a VRRP instance, else 503.",
        role=Role.READ,
        handler=instances.read_backup,
        query=Nothing,
        body=Nothing,
        answer=instances.Role,
        problems=(Code.NOT_FOUND, Code.NOT_READY),
    ),
)
