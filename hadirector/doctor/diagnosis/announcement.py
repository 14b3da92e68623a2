"""Decides findings about announced addresses: the engine, its sessions, the kernel. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from hadirector.announce.engine_answers import EngineReading
from hadirector.doctor.diagnosis.finding import Finding, Severity
from hadirector.model.announcement import Announcement
from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import HASH_SCHEDULERS

SMALL_CONNECTION_TABLE_BITS: Final = 12
"""The default of ip_vs before Linux 7.1, which resizes its table."""


class AnnouncementFacts(msgspec.Struct, frozen=True):
    """The facts about announced addresses.

    - ``engine``: the sessions of the routing engine; None if it is not queried.
    - ``graceful``: neighbors with which graceful restart is in use.
    - ``origins``: the BGP origin of each announced address, as the engine writes it.
    - ``strict``: interfaces with a strict reverse path filter (rp_filter 1).
    - ``connection_table_bits``: the size of the connection table of IPVS, as a power of two.
    - ``mh_table_bits``: the size of the tables of mh; empty if it is not known.
    """

    engine: EngineReading | None = None
    graceful: tuple[str, ...] = ()
    origins: Mapping[str, str] = {}
    strict: tuple[str, ...] = ()
    connection_table_bits: int | None = None
    mh_table_bits: str = ""


def announcement_findings(
    configuration: Configuration, facts: AnnouncementFacts
) -> Iterator[Finding]:
    """Report faults of announced addresses. Without a section announce there is none."""
    if configuration.announce is None:
        return
    if facts.engine is not None:
        yield from _engine_findings(configuration.announce, facts.engine)
    yield from _protocol_findings(facts)
    yield from _kernel_findings(configuration, facts)
    yield Finding(
        code="router_settings",
        severity=Severity.NOTE,
        what="the routers must divide connections by addresses and ports (layer 4 ECMP), and use"
        " BFD; with resilient hashing, fewer connections move",
        remedy="check these settings of the routers",
    )


def _engine_findings(announcement: Announcement, engine: EngineReading) -> Iterator[Finding]:
    if engine.fault:
        yield Finding(
            code="engine_silent",
            severity=Severity.ERROR,
            what=engine.fault,
            remedy=f"start {announcement.engine}, or correct the key engine_socket; `hadirector"
            f" announce-config {announcement.engine}` prints the file of the engine",
        )
        return
    down = [session for session in engine.sessions if not session.established]
    if len(down) == len(engine.sessions):
        yield Finding(
            code="no_session",
            severity=Severity.ERROR,
            what="no BGP session of the routing engine is established, so no router receives the"
            " addresses",
            remedy="check the neighbor, the AS numbers and the firewall (TCP port 179)",
        )
        return
    for session in down:
        yield Finding(
            code="session_down",
            severity=Severity.WARNING,
            what=f"the BGP session with {session.neighbor} is {session.state}",
            remedy="check this neighbor; the other routers receive the addresses",
        )


def _protocol_findings(facts: AnnouncementFacts) -> Iterator[Finding]:
    for neighbor in facts.graceful:
        yield Finding(
            code="graceful_restart",
            severity=Severity.WARNING,
            what=f"graceful restart is in use with {neighbor}: the router keeps sending packets to"
            " this director for a minute or more after its engine has died",
            remedy="turn graceful restart off in the engine",
        )
    for address, origin in facts.origins.items():
        if origin.lower() not in ("igp", "i"):
            yield Finding(
                code="origin_differs",
                severity=Severity.WARNING,
                what=f"{address} has the BGP origin {origin}: a router does not divide connections"
                " between this director and directors with the origin IGP",
                remedy="set the origin to igp in the route map of the engine",
            )


def _kernel_findings(configuration: Configuration, facts: AnnouncementFacts) -> Iterator[Finding]:
    if facts.strict:
        names = ", ".join(facts.strict)
        yield Finding(
            code="announced_reverse_path_strict",
            severity=Severity.WARNING,
            what=f"rp_filter is 1 (strict) on {names}: the kernel drops the packets of a client if"
            " its route back to the client uses another interface",
            remedy="set net.ipv4.conf.all.rp_filter and that of these interfaces to 0 or 2",
        )
    if facts.connection_table_bits == SMALL_CONNECTION_TABLE_BITS:
        yield Finding(
            code="connection_table_small",
            severity=Severity.NOTE,
            what="the connection table of IPVS has 4096 buckets, which is slow with more than"
            " 100,000 connections",
            remedy="load the module with `options ip_vs conn_tab_bits=20` in /etc/modprobe.d",
        )
    hashes = {server.service.scheduler for server in configuration.virtual_servers}
    if "mh" in hashes & HASH_SCHEDULERS:
        bits = facts.mh_table_bits or "not known"
        yield Finding(
            code="mh_table_size",
            severity=Severity.NOTE,
            what=f"the size of the tables of mh in this kernel (CONFIG_IP_VS_MH_TAB_INDEX) is"
            f" {bits}",
            remedy="use kernels with the same size on all directors",
        )
