"""Runs a single VRRP instance, and prints its reports as JSON lines.

SIGTERM and SIGINT hand over to a peer and stop. SIGUSR1 hands over and keeps running. SIGUSR2
prints the status. ``at`` in each line is the monotonic clock in seconds, which all processes of a
host share. A signal that arrives before the instance is configured is handled after that.
"""

# ruff: noqa: E402  # the imports take longer than a signal

from __future__ import annotations

import signal

_HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)
# The default action of each of these signals ends a process. Blocked signals stay pending.
signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)

import argparse
import asyncio
import selectors
import sys
from pathlib import Path
from typing import cast

import msgspec

from vrrp.model.configuration import (
    Authentication,
    HmacAuthentication,
    HmacKey,
    InstanceConfiguration,
    Multicast,
    PassAuthentication,
    Secret,
    Transport,
    UdpUnicast,
    Unicast,
    first_family,
    virtual_mac_interface,
)
from vrrp.model.report import Report
from vrrp.protocol.authentication import read_key
from vrrp.protocol.inquiry import DEFAULT_PORT
from vrrp.speaker import Speaker


def main() -> None:
    """Run the instance until a signal stops it."""
    configuration, resume = _arguments()
    # epoll rounds timers up to milliseconds; select does not.
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    try:
        loop.run_until_complete(_run(configuration, resume=resume))
    finally:
        loop.close()


async def _run(configuration: InstanceConfiguration, *, resume: bool) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    async with Speaker(_print) as speaker:

        def print_status() -> None:
            for status in speaker.statuses():
                _print(status)

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGUSR1, speaker.hand_over, configuration.name)
        loop.add_signal_handler(signal.SIGUSR2, print_status)
        resumed = frozenset({configuration.name} if resume else ())
        await speaker.configure([configuration], resume=resumed)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
        await stop.wait()
        await speaker.stop()


def _print(report: Report) -> None:
    line = {"at": asyncio.get_running_loop().time(), **msgspec.to_builtins(report)}
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


def _arguments() -> tuple[InstanceConfiguration, bool]:
    parser = argparse.ArgumentParser(prog="python -m vrrp", description="Run one VRRP instance.")
    add = parser.add_argument
    add("--interface", required=True)
    add("--virtual-router-id", type=int, required=True, metavar="1-255")
    add("--address", action="append", default=[], metavar="ADDRESS/LENGTH")
    add("--unadvertised-address", action="append", default=[], metavar="ADDRESS/LENGTH")
    add("--version", type=int, choices=(2, 3), default=3)
    add("--priority", type=int, default=100)
    add("--advert-interval", type=float, default=1.0, metavar="SECONDS")
    add("--no-preempt", action="store_true")
    add("--down-timer-adverts", type=int, default=3, metavar="3-10")
    add("--death-certificates", nargs="?", type=int, const=DEFAULT_PORT, metavar="PORT")
    add("--ignore-carrier", action="store_true")
    add("--resume", action="store_true", help="continue as ACTIVE after a process that died")
    add("--password", help="plain password of RFC 2338, for version 2")
    add(
        "--hmac-key",
        action="append",
        default=[],
        metavar="ID:FILE",
        help="key for auth_hmac; the first key signs",
    )
    add("--hmac-mode", choices=("receive_only", "permissive", "enforce"), default="enforce")
    add(
        "--sequence-file",
        default="",
        metavar="FILE",
        help="stores the last sequence number of auth_hmac",
    )
    add(
        "--virtual-mac",
        nargs="?",
        const="",
        metavar="INTERFACE",
        help="hold the addresses on a macvlan with the virtual MAC",
    )
    add("--source", metavar="ADDRESS", help="source address of multicast")
    add("--group", metavar="ADDRESS", help="multicast group")
    add("--unicast-source", metavar="ADDRESS", help="source address; unicast instead of multicast")
    add("--unicast-peer", action="append", default=[], metavar="ADDRESS")
    add("--ttl-min", type=int, default=255, metavar="1-255", help="minimum TTL of unicast")
    add("--udp-source", metavar="ADDRESS", help="source address; UDP instead of multicast")
    add("--udp-peer", action="append", default=[], metavar="ADDRESS")
    add("--udp-port", type=int, default=1112)
    options = parser.parse_args()
    configuration = InstanceConfiguration(
        name=f"{options.interface}-{options.virtual_router_id}",
        interface=options.interface,
        virtual_router_id=options.virtual_router_id,
        virtual_addresses=tuple(options.address),
        unadvertised_addresses=tuple(options.unadvertised_address),
        version=options.version,
        priority=options.priority,
        advert_interval=options.advert_interval,
        preempt=not options.no_preempt,
        down_timer_adverts=options.down_timer_adverts,
        ignore_carrier=options.ignore_carrier,
        transport=_transport(options),
        authentication=_authentication(options),
        virtual_mac=_virtual_mac(options),
        death_certificate_port=options.death_certificates,
    )
    return configuration, options.resume


def _transport(options: argparse.Namespace) -> Transport:
    if options.udp_source:
        peers = tuple(options.udp_peer)
        return UdpUnicast(source=options.udp_source, peers=peers, port=options.udp_port)
    if options.unicast_source:
        peers = tuple(options.unicast_peer)
        return Unicast(source=options.unicast_source, peers=peers, ttl_min=options.ttl_min)
    return Multicast(source=options.source, group=options.group)


def _virtual_mac(options: argparse.Namespace) -> str | None:
    """Return the name of the macvlan: the default name if the option has no value."""
    if options.virtual_mac != "":
        return cast("str | None", options.virtual_mac)
    family = first_family(options.address)
    return virtual_mac_interface(family, options.virtual_router_id)


def _authentication(options: argparse.Namespace) -> Authentication | None:
    if options.password:
        return PassAuthentication(Secret(options.password.encode()))
    keys = [
        HmacKey(int(key_id), read_key(Path(file).read_bytes()))
        for key_id, _, file in (option.partition(":") for option in options.hmac_key)
    ]
    if not keys:
        return None
    return HmacAuthentication(
        mode=options.hmac_mode,
        send_key=keys[0].key_id,
        keys=tuple(keys),
        window=max(3 * options.advert_interval, 5.0),
        sequence_file=options.sequence_file,
    )


if __name__ == "__main__":
    main()
