"""Reads the rules that `ipvsadm -Sn` writes and `ipvsadm -R` reads: one command in each line."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from hadirector.config.document.errors import quote
from hadirector.config.keepalived.ipvsadm.table import PlacedDestination, PlacedService
from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.statement import Place, Word
from hadirector.model.ipvs import (
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

_WORD: Final = re.compile(r"[^ \t]+")
_ENDPOINT: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::([0-9]{1,5}))?", re.ASCII)
_PROTOCOLS: Final = {"-t": Protocol.TCP, "-u": Protocol.UDP, "--sctp-service": Protocol.SCTP}
_METHODS: Final = {
    "-m": ForwardingMethod.NAT,
    "-g": ForwardingMethod.DR,
    "-i": ForwardingMethod.TUN,
}
_CHECKSUMS: Final = {
    "--tun-nocsum": TunnelChecksum.NONE,
    "--tun-csum": TunnelChecksum.FULL,
    "--tun-remcsum": TunnelChecksum.REMOTE,
}
_FLAGS: Final = {
    "flag-1": SchedulerFlag.FALLBACK,
    "sh-fallback": SchedulerFlag.FALLBACK,
    "mh-fallback": SchedulerFlag.FALLBACK,
    "flag-2": SchedulerFlag.PORT,
    "sh-port": SchedulerFlag.PORT,
    "mh-port": SchedulerFlag.PORT,
}
_LONG: Final = {
    "--add-service": "-A",
    "--add-server": "-a",
    "--clear": "-C",
    "--tcp-service": "-t",
    "--udp-service": "-u",
    "--fwmark-service": "-f",
    "--scheduler": "-s",
    "--persistent": "-p",
    "--netmask": "-M",
    "--sched-flags": "-b",
    "--ipv6": "-6",
    "--ops": "-o",
    "--real-server": "-r",
    "--gatewaying": "-g",
    "--ipip": "-i",
    "--masquerading": "-m",
    "--weight": "-w",
    "--u-threshold": "-x",
    "--l-threshold": "-y",
    # ipvsadm before 1.29 writes these two words without dashes.
    "pe": "--pe",
    "ops": "-o",
}
_FLAG_OPTIONS: Final = frozenset({"-A", "-a", "-C", "-6", "-o", *_METHODS, *_CHECKSUMS})
_VALUE_OPTIONS: Final = frozenset(
    {
        *("-f", "-s", "-M", "-b", "--pe", "-r", "-w", "-x", "-y", "--tun-type", "--tun-port"),
        *_PROTOCOLS,
    }
)
_PERSISTENCE_DEFAULT: Final = 300


class RuleError(Exception):
    """A word of a rule is not valid."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place


class _Options(NamedTuple):
    """The options of one line, with their values; a flag has its own word as its value."""

    place: Place
    values: dict[str, Word]

    def number(self, name: str, default: int, most: int) -> int:
        word = self.values.get(name)
        if word is None or word.text == name:
            return default
        if word.text.isascii() and word.text.isdecimal() and int(word.text) <= most:
            return int(word.text)
        message = f"{name}: wrong value (got {quote(word.text)}, expected a number up to {most})"
        raise RuleError(word.place, message)


def read_rules(text: str, file: str, report: Report) -> list[PlacedService]:
    """Return the services in the order of the file. Add a fault for each invalid line."""
    found: dict[ServiceKey, PlacedService] = {}
    for number, line in enumerate(text.split("\n"), 1):
        words = [
            Word(_LONG.get(each.group(), each.group()), Place(file, number, each.start() + 1))
            for each in _WORD.finditer(line.rstrip("\r"))
        ]
        if not words or words[0].text.startswith("#"):
            continue
        try:
            _add(_read_options(words), found)
        except RuleError as error:
            report.fault(error.place, str(error))
    return list(found.values())


def _read_options(words: list[Word]) -> _Options:
    rest: Iterator[Word] = iter(words)
    values: dict[str, Word] = {}
    following = next(rest, None)
    while following is not None:
        word, following = following, next(rest, None)
        if word.text == "-p" and (following is None or not following.text.isdecimal()):
            values["-p"] = word
        elif word.text in _FLAG_OPTIONS:
            values[word.text] = word
        elif (word.text in _VALUE_OPTIONS or word.text == "-p") and following is not None:
            values[word.text], following = following, next(rest, None)
        else:
            raise RuleError(word.place, f"unknown or incomplete option {quote(word.text)}")
    return _Options(words[0].place, values)


def _add(options: _Options, found: dict[ServiceKey, PlacedService]) -> None:
    values, place = options.values, options.place
    if "-C" in values:
        return
    if "-A" not in values and "-a" not in values:
        raise RuleError(place, "the line is no rule of ipvsadm (expected -A or -a, as in -Sn)")
    key = _service_key(options)
    if "-A" in values:
        if key in found:
            raise RuleError(place, f"service {key} occurs twice")
        found[key] = PlacedService(place, key, _service(options), [])
        return
    if key not in found:
        raise RuleError(
            place, f"service {key} is not defined (expected its -A line above its -a lines)"
        )
    destination = _destination_key(options)
    if any(each.key == destination for each in found[key].destinations):
        raise RuleError(place, f"service {key}: real server {destination} occurs twice")
    entry = PlacedDestination(place, destination, _destination(options))
    found[key].destinations.append(entry)


def _service_key(options: _Options) -> ServiceKey:
    if "-f" in options.values:
        mark = options.number("-f", 0, 2**32 - 1)
        return ServiceKey.for_mark(mark, ipv6="-6" in options.values)
    for name, protocol in _PROTOCOLS.items():
        if name in options.values:
            return ServiceKey(protocol, *_endpoint(options.values[name]))
    raise RuleError(options.place, "the service is missing (expected -t, -u, -f or --sctp-service)")


def _destination_key(options: _Options) -> DestinationKey:
    if "-r" not in options.values:
        raise RuleError(options.place, "the real server is missing (expected -r ADDRESS:PORT)")
    return DestinationKey(*_endpoint(options.values["-r"]))


def _endpoint(word: Word) -> tuple[str, int]:
    match = _ENDPOINT.fullmatch(word.text)
    try:
        if match is not None and int(match[3] or 0) <= 65535:
            return str(ipaddress.ip_address(match[1] or match[2])), int(match[3] or 0)
    except ValueError:
        pass
    message = (
        f"wrong address (got {quote(word.text)}, expected ADDRESS:PORT in numbers; save the table"
        " with ipvsadm -S -n)"
    )
    raise RuleError(word.place, message)


def _service(options: _Options) -> Service:
    values = options.values
    engine, scheduler = values.get("--pe"), values.get("-s")
    persistence = options.number("-p", _PERSISTENCE_DEFAULT, 2**31) if "-p" in values else 0
    flags = values["-b"].text.split(",") if "-b" in values else []
    return Service(
        scheduler=scheduler.text if scheduler else "wlc",
        flags=frozenset(_FLAGS[flag] for flag in flags if flag in _FLAGS),
        persistence=persistence,
        prefix_length=_prefix_length(values.get("-M")),
        engine=engine.text if engine else "",
        one_packet="-o" in values,
        other_settings=any(flag not in _FLAGS for flag in flags),
    )


def _prefix_length(word: Word | None) -> int | None:
    if word is None:
        return None
    if word.text.isdecimal():
        return int(word.text)
    try:
        return ipaddress.ip_network(f"0.0.0.0/{word.text}").prefixlen
    except ValueError:
        message = f"-M: wrong netmask (got {quote(word.text)}, expected a netmask without holes)"
        raise RuleError(word.place, message) from None


def _destination(options: _Options) -> Destination:
    values = options.values
    forwarding = next(
        (method for name, method in _METHODS.items() if name in values), ForwardingMethod.DR
    )
    is_tunnel = forwarding is ForwardingMethod.TUN
    return Destination(
        weight=options.number("-w", 1, 65535),
        forwarding=forwarding,
        upper_threshold=options.number("-x", 0, 2**32 - 1),
        lower_threshold=options.number("-y", 0, 2**32 - 1),
        tunnel=_tunnel(options) if is_tunnel else None,
    )


def _tunnel(options: _Options) -> Tunnel:
    kind = options.values.get("--tun-type")
    if kind is not None and kind.text not in {*TunnelType}:
        message = f"--tun-type: wrong value (got {quote(kind.text)}, expected ipip, gre or gue)"
        raise RuleError(kind.place, message)
    checksum = next(
        (value for name, value in _CHECKSUMS.items() if name in options.values),
        TunnelChecksum.NONE,
    )
    return Tunnel(
        TunnelType(kind.text) if kind else TunnelType.IPIP,
        options.number("--tun-port", 0, 65535),
        checksum,
    )
