"""Converts the services and destinations of an IPVS table to virtual servers."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

from hadirector.config.keepalived.node import Node, mapping, scalar, sequence
from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.statement import Place
from hadirector.config.keepalived.translate.values import duration, endpoint, words
from hadirector.model.ipvs import (
    HASH_SCHEDULERS,
    Destination,
    DestinationKey,
    ForwardingMethod,
    Protocol,
    SchedulerFlag,
    Service,
    ServiceKey,
    Tunnel,
    TunnelChecksum,
    TunnelType,
)

CheckType = Literal["tcp", "none"]
"""The check of the real servers, which a table does not have."""

Keys = dict[str, Node | None]


class PlacedDestination(NamedTuple):
    """A destination, with its place in the file."""

    place: Place
    key: DestinationKey
    destination: Destination


class PlacedService(NamedTuple):
    """A service with its destinations, and its place in the file."""

    place: Place
    key: ServiceKey
    service: Service
    destinations: list[PlacedDestination]

    @property
    def where(self) -> str:
        """The name of the service in messages."""
        return f"service {self.key}"


def translate_table(
    services: Sequence[PlacedService], report: Report, check: CheckType
) -> list[Node]:
    """Return a virtual server for each service."""
    _note_equal_pools(services, report)
    return [_virtual_server(each, report, check) for each in services]


def _virtual_server(entry: PlacedService, report: Report, check: CheckType) -> Node:
    place, key, service = entry.place, entry.key, entry.service
    pool = entry.destinations
    methods = Counter(each.destination.forwarding for each in pool)
    method = methods.most_common(1)[0][0] if methods else None
    _note_service(entry, report)
    keys: Keys = {
        **_place_keys(entry),
        "scheduler": scalar(service.scheduler, place),
        "scheduler_flags": words(place, map(str, sorted(service.flags))) if service.flags else None,
        "one_packet": scalar(value=True, place=place) if service.one_packet else None,
        "forwarding": scalar(str(method), place) if method else None,
        "persistence": scalar(duration(service.persistence), place)
        if service.persistence
        else None,
        "persistence_prefix_length": scalar(service.prefix_length, place)
        if service.prefix_length and service.persistence
        else None,
        "persistence_engine": scalar(service.engine, place) if service.engine else None,
        "check": _check(entry, report, check),
        "real_servers": sequence(place, [_real_server(each, key, method, report) for each in pool]),
    }
    return mapping(place, keys)


def _place_keys(entry: PlacedService) -> Keys:
    place, key = entry.place, entry.key
    if key.firewall_mark:
        family = scalar("ipv6", place) if ":" in key.address else None
        return {"fwmark": scalar(key.firewall_mark, place), "family": family}
    is_tcp = key.protocol is Protocol.TCP
    return {
        "address": scalar(endpoint(key.address, key.port), place),
        "protocol": None if is_tcp else scalar(str(key.protocol), place),
    }


def _real_server(
    entry: PlacedDestination,
    service: ServiceKey,
    method: ForwardingMethod | None,
    report: Report,
) -> Node:
    place, key, destination = entry
    if destination.weight == 0:
        message = (
            f"real server {key}: weight 0 is kept, so the server gets no new connections; the table"
            " does not say whether it is drained or failed"
        )
        report.note("weight 0", place, message)
    if ipaddress.ip_address(key.address).is_loopback:
        message = f"real server {key}: the director itself is this real server"
        report.note("local server", place, message)
    port = None if key.port in (0, service.port) else key.port
    keys: Keys = {"address": scalar(endpoint(key.address, port), place)}
    if destination.forwarding is not method:
        keys["forwarding"] = scalar(str(destination.forwarding), place)
    if destination.weight != 1:
        keys["weight"] = scalar(destination.weight, place)
    for name in ("upper_threshold", "lower_threshold"):
        if value := getattr(destination, name):
            keys[name] = scalar(value, place)
    if destination.tunnel not in (None, Tunnel()):
        assert destination.tunnel is not None
        keys["tunnel"] = _tunnel(destination.tunnel, place)
    return mapping(place, keys)


def _tunnel(tunnel: Tunnel, place: Place) -> Node:
    has_checksum = tunnel.checksum is not TunnelChecksum.NONE
    return mapping(
        place,
        {
            "type": scalar(str(tunnel.type), place),
            "port": scalar(tunnel.port, place) if tunnel.type is TunnelType.GUE else None,
            "checksum": scalar(str(tunnel.checksum), place) if has_checksum else None,
        },
    )


def _check(entry: PlacedService, report: Report, check: CheckType) -> Node:
    place, key = entry.place, entry.key
    has_port = all(each.key.port or key.port for each in entry.destinations)
    if check == "none":
        return scalar("none", place)
    if key.firewall_mark == 0 and key.protocol is Protocol.UDP and has_port:
        message = f"{entry.where}: a udp check fails only if the port is closed (ICMP)"
        report.note("udp check", place, message)
        no_reply = scalar(value=False, place=place)
        return mapping(place, {"type": scalar("udp", place), "require_reply": no_reply})
    if key.protocol is Protocol.TCP and has_port:
        return mapping(place, {"type": scalar("tcp", place)})
    message = f"{entry.where}: no TCP check, because its real servers have no known TCP port"
    report.note("no check", place, message)
    return scalar("none", place)


def _note_service(entry: PlacedService, report: Report) -> None:
    place, service = entry.place, entry.service
    if service.scheduler in HASH_SCHEDULERS and SchedulerFlag.FALLBACK not in service.flags:
        message = (
            f"{entry.where}: hadirector always sets the flag fallback of {service.scheduler}: the"
            " clients of a failed real server go to another one"
        )
        report.note("fallback", place, message)
    if service.other_settings:
        message = f"{entry.where}: a setting that hadirector does not support is left out"
        report.note("other settings", place, message)
    if service.prefix_length and not service.persistence:
        message = f"{entry.where}: a netmask without persistence has no effect, and is left out"
        report.note("netmask", place, message)


def _note_equal_pools(services: Sequence[PlacedService], report: Report) -> None:
    first: dict[object, PlacedService] = {}
    for each in services:
        pool = tuple((entry.key, entry.destination) for entry in each.destinations)
        family, protocol = ":" in each.key.address, each.key.protocol
        if not pool or each.key.firewall_mark:
            continue
        other = first.setdefault((pool, each.service, family, protocol), each)
        if other is not each:
            message = (
                f"{each.where}: the real servers are the same as the real servers of {other.where};"
                " one virtual server with the key addresses can replace both, with one check"
                " for each"
                " real server"
            )
            report.note("equal pools", each.place, message)
