"""Finds real servers behind nat whose answers do not come back through this director. Pure.

By the routing table that is only likely. It is proven by echo requests in the name of a client
(`hadirector.doctor.echo`): if the real server answers those of this host, and none comes back here
of those of the client, it has another way to the client.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hadirector.doctor.diagnosis.facts import (
    FAR_CLIENT,
    Echo,
    Facts,
    Subject,
    Way,
    client_interface,
    subnet_of,
    virtual_addresses,
)
from hadirector.doctor.diagnosis.finding import Finding, Severity
from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import ForwardingMethod


class _Return(NamedTuple):
    """A real server behind nat, the way to it, and the interface that clients come in by."""

    subject: Subject
    way: Way
    interface: str | None

    @property
    def control(self) -> Echo:
        """The echo that shows that the real server answers echo requests at all."""
        return Echo(self.subject.address, self.way.source)


def echoes(
    configuration: Configuration, facts: Facts, subjects: Iterable[Subject]
) -> tuple[Echo, ...]:
    """Choose what to ask, in whose name.

    Nothing while another director may hold the addresses that the real servers answer by way of.
    """
    if not _holds_all(configuration, facts):
        return ()
    return tuple(
        dict.fromkeys(
            echo
            for each in _returns(configuration, facts, subjects)
            if ":" not in each.subject.address and each.way.source
            for echo in (
                each.control,
                *(Echo(each.subject.address, client) for client in _clients(each, facts)),
            )
        )
    )


def way_back_findings(
    configuration: Configuration, facts: Facts, subjects: Iterable[Subject]
) -> Iterator[Finding]:
    """Judge each way back: by what was heard, or where that says nothing by the routing table."""
    for each in _returns(configuration, facts, subjects):
        if each.control in facts.heard:
            for client in _clients(each, facts):
                echo = Echo(each.subject.address, client)
                if echo in facts.asked and echo not in facts.heard:
                    yield _bypassed(each, client, named=client in facts.clients)
        else:
            yield from _suspicion(each, facts)


def _holds_all(configuration: Configuration, facts: Facts) -> bool:
    held = (text for instance in configuration.vrrp for text in instance.held_addresses)
    return all(text.partition("/")[0] in facts.addresses for text in held)


def _returns(
    configuration: Configuration, facts: Facts, subjects: Iterable[Subject]
) -> Iterator[_Return]:
    for each in subjects:
        way = facts.ways.get(each.address)
        if each.server.forwarding is ForwardingMethod.NAT and way is not None and not way.local:
            interface = client_interface(each.server, configuration, facts.addresses)
            yield _Return(each, way, interface)


def _clients(back: _Return, facts: Facts) -> tuple[str, ...]:
    """Choose for whom to try: whom the operator named.

    Or else one from elsewhere, and one in the real server's own subnet if clients may be there.
    """
    if facts.clients:
        return tuple(
            each for each in facts.clients if ":" not in each and each not in facts.addresses
        )
    near = _neighbour(back, facts)
    return (FAR_CLIENT,) if near is None else (FAR_CLIENT, near)


def _neighbour(back: _Return, facts: Facts) -> str | None:
    """Choose the last address of the subnet that is neither ours nor the real server's."""
    address, way = back.subject.address, back.way
    if not way.on_link or way.interface != back.interface:
        return None
    subnet = subnet_of(way.interface, address, facts)
    if subnet is None:
        return None
    taken = {*facts.addresses, address, *virtual_addresses(back.subject.server)}
    candidates = (str(subnet[-number]) for number in range(2, min(subnet.num_addresses, 17)))
    return next((each for each in candidates if each not in taken), None)


def _bypassed(back: _Return, client: str, *, named: bool) -> Finding:
    """Nobody may be in the real server's subnet; but all come from elsewhere, or were named."""
    source = back.way.source
    if client == FAR_CLIENT and not named:
        who = f"clients from elsewhere ({client} was tried; --client names another)"
        remedy = f"on the real server make this director ({source}, or a virtual address inside)"
        remedy += " the default route, or use forwarding: fullnat"
    else:
        who = f"the client {client}" if named else f"clients in its own subnet ({client} was tried)"
        remedy = (
            f"use forwarding: fullnat, or on the real server `ip route add CLIENT via {source}`"
        )
    return Finding(
        severity=Severity.ERROR if named or client == FAR_CLIENT else Severity.WARNING,
        place=back.subject.place,
        what=f"{back.subject.name}: its answers to {who} do not come back through this director, as"
        " nat needs (proven by an echo request in that name)",
        remedy=remedy,
    )


def _suspicion(back: _Return, facts: Facts) -> Iterator[Finding]:
    """Say what the routing table alone makes likely."""
    way, client = back.way, _client_beside(back, facts)
    remedy = "use forwarding: fullnat or dr, or routes on the real server for such clients"
    if way.gateway is not None:
        what = f"is reached through the gateway {way.gateway}: its answers may not come back"
        remedy = "see that the gateway sends them here, whoever the client is, or use forwarding:"
        remedy += " fullnat or tun"
    elif client is not None:
        what = f"and the client {client} are neighbours on {way.interface}: the answers do not go"
    elif not facts.clients and way.interface == back.interface:
        what = f"is on {way.interface}, where clients come in: the answers to those of its subnet"
        what += " do not go"
    else:
        return
    yield Finding(
        severity=Severity.WARNING if client is None else Severity.ERROR,
        place=back.subject.place,
        what=f"{back.subject.name}: {back.subject.address} {what} through this director, as nat"
        " needs (by the routes here; not proven)",
        remedy=remedy,
    )


def _client_beside(back: _Return, facts: Facts) -> str | None:
    """Find a named client on the segment of the real server."""
    for each in facts.clients:
        way = facts.ways.get(each)
        if way is not None and way.on_link and way.interface == back.way.interface:
            return each if back.way.on_link else None
    return None
