"""Finds the function that performs a type of probe, and runs a probe of any type.

A module that implements a type is imported when the type is first needed, because some of these
modules import large libraries.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from typing import Any, Final

from checks.definition.check import CheckDefinition
from checks.definition.options import (
    AgentProbe,
    AllProbe,
    AnyProbe,
    DnsProbe,
    FileProbe,
    GrpcProbe,
    HttpProbe,
    HttpsProbe,
    MysqlProbe,
    PingProbe,
    PostgresProbe,
    Probe,
    RedisProbe,
    ScriptProbe,
    SmtpProbe,
    TcpProbe,
    TlsProbe,
    UdpProbe,
)
from checks.definition.queries import leaf_types
from checks.definition.result import Result
from checks.io.attempt import Prober, Progress, run_prober
from checks.io.operations import Converse
from checks.io.task_runner import run_in_task
from checks.probes import composite

CONVERSATIONS: Final[dict[type[Probe], str]] = {
    TcpProbe: "tcp.converse",
    HttpProbe: "http.converse",
}
"""The probe types that `checks.io.engine` can perform thousands of times per second."""

PROBERS: Final[dict[type[Probe], str]] = {
    TlsProbe: "tcp.probe_tls",
    HttpsProbe: "http.probe_https",
    GrpcProbe: "grpc.probe",
    UdpProbe: "udp.probe",
    DnsProbe: "dns.probe",
    SmtpProbe: "smtp.probe",
    PingProbe: "ping.probe",
    ScriptProbe: "script.probe",
    FileProbe: "file.probe",
    AgentProbe: "agent.probe",
    RedisProbe: "redis.probe",
    PostgresProbe: "postgres.probe",
    MysqlProbe: "mysql.probe",
}
"""The probe types that need a task for each probe, with the module and name of the function that
performs the probe."""


def load(probes: Iterable[Probe]) -> None:
    """Import the modules that these probes need, so that no import delays the first probe."""
    for probe_type in {leaf_type for probe in probes for leaf_type in leaf_types(probe)}:
        find_prober(probe_type)


@cache
def find_conversation(probe_type: type[Probe]) -> Converse | None:
    """Return the conversation of a probe type, or None if `checks.io.engine` cannot perform it."""
    place = CONVERSATIONS.get(probe_type)
    return None if place is None else _import_function(place)


@cache
def find_prober(probe_type: type[Probe]) -> Prober:
    """Return the function that performs one probe of a type that is not composite."""
    conversation = find_conversation(probe_type)
    if conversation is not None:
        return run_in_task(conversation)
    prober: Prober = _import_function(PROBERS[probe_type])
    return prober


def _import_function(place: str) -> Any:
    module, _, name = place.partition(".")
    return getattr(import_module(f"checks.probes.{module}"), name)


async def run(definition: CheckDefinition, progress: Progress | None = None) -> Result:
    """Probe the target of a check once. A target cannot cause an exception."""
    probe = definition.probe
    match probe:
        case AllProbe():
            return await composite.run_all(definition, probe.checks, run)
        case AnyProbe():
            return await composite.run_any(definition, probe.checks, run)
        case _:
            return await run_prober(definition, find_prober(type(probe)), progress or Progress())
