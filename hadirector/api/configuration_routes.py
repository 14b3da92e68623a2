"""The routes of the configuration and of the history, a part of the table of routes."""

from __future__ import annotations

from typing import Final

from hadirector.api.actor import Role
from hadirector.api.problems import Code
from hadirector.api.resources import archive, configuration, history
from hadirector.api.route import AnyRoute, Nothing, Route
from hadirector.config.document.errors import FILE_BYTES_MAX
from hadirector.director.configurations.apply import Applied
from hadirector.reload.preview import Preview
from hadirector.status.configurations import (
    ConfigurationInUse,
    ConfigurationList,
    ConfigurationText,
)

YAML: Final = "application/yaml"

CONFIGURATION_ROUTES: Final[tuple[AnyRoute, ...]] = (
    Route(
        method="GET",
        path="/v1/config",
        name="read_configuration",
        summary="The configuration in use, its file, and a pending confirmation.",
        role=Role.READ,
        handler=archive.read_configuration,
        query=Nothing,
        body=Nothing,
        answer=ConfigurationInUse,
    ),
    Route(
        method="POST",
        path="/v1/config/check",
        name="check_configuration",
        summary="Check a configuration.",
        role=Role.READ,
        handler=archive.check,
        query=archive.CheckQuery,
        body=bytes,
        answer=archive.Checked,
        body_media=YAML,
        body_bytes_max=FILE_BYTES_MAX,
        problems=(Code.INVALID_CONFIG, Code.NOT_POSSIBLE),
    ),
    Route(
        method="POST",
        path="/v1/config/plan",
        name="plan",
        summary="Preview the application of a configuration.",
        role=Role.READ,
        handler=configuration.plan,
        query=configuration.PlanQuery,
        body=bytes,
        answer=Preview,
        body_media=YAML,
        body_bytes_max=FILE_BYTES_MAX,
        problems=(Code.INVALID_CONFIG, Code.NOT_POSSIBLE, Code.DATAPLANE),
    ),
    Route(
        method="POST",
        path="/v1/config/apply",
        name="apply_configuration",
        summary="Apply a configuration, and undo it unless it is confirmed in time.",
        role=Role.ADMIN,
        handler=archive.apply,
        query=archive.ApplyQuery,
        body=bytes,
        answer=Applied,
        body_media=YAML,
        body_bytes_max=FILE_BYTES_MAX,
        problems=(
            Code.INVALID_CONFIG,
            Code.NOT_POSSIBLE,
            Code.PRECONDITION_REQUIRED,
            Code.STALE,
        ),
    ),
    Route(
        method="POST",
        path="/v1/config/confirm",
        name="confirm_configuration",
        summary="Keep the configuration that waits for its confirmation.",
        role=Role.ADMIN,
        handler=archive.confirm,
        query=Nothing,
        body=Nothing,
        answer=archive.Confirmed,
        problems=(Code.NOT_POSSIBLE,),
    ),
    Route(
        method="POST",
        path="/v1/config/rollback",
        name="roll_back_configuration",
        summary="Undo the pending configuration, or apply an archived one again.",
        role=Role.ADMIN,
        handler=archive.roll_back,
        query=Nothing,
        body=archive.RollbackBody,
        answer=Applied,
        body_required=False,
        problems=(Code.INVALID_CONFIG, Code.NOT_POSSIBLE),
    ),
    Route(
        method="GET",
        path="/v1/config/history",
        name="list_configurations",
        summary="The configurations that this director has run with.",
        role=Role.READ,
        handler=archive.read_archive,
        query=Nothing,
        body=Nothing,
        answer=ConfigurationList,
    ),
    Route(
        method="GET",
        path="/v1/history",
        name="read_history",
        summary="Failovers, handovers, configurations and pauses, also of earlier boots.",
        role=Role.READ,
        handler=history.read_history,
        query=history.HistoryQuery,
        body=Nothing,
        answer=history.HistoryList,
    ),
    Route(
        method="GET",
        path="/v1/config/history/{number}",
        name="read_archived_configuration",
        summary="The text of an archived configuration, without its secrets.",
        role=Role.READ,
        handler=archive.read_text,
        query=Nothing,
        body=Nothing,
        answer=ConfigurationText,
        problems=(Code.NOT_FOUND, Code.NOT_POSSIBLE),
    ),
)
