"""Make one probe and explain it."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import socket
import sys
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from pydantic_core import PydanticCustomError

from checks.definition.result import Result
from checks.io.attempt import TimedProgress
from checks.io.errors import one_line
from checks.io.tls import Certificate, chain
from checks.probes.registry import run as run_probe
from hadirector.config.checks.single_check import parse_check
from hadirector.config.document.errors import ConfigError
from hadirector.config.keys.values import endpoint as read_endpoint
from hadirector.model.ipvs import DestinationKey, endpoint

EXIT_PASSED = 0
EXIT_FAILED = 1
EXIT_USAGE = 2

_PAIR = re.compile(r"([\w-]+)(?:=(.*))?", re.ASCII | re.DOTALL)

_DEFAULT_PORTS = {"http": 80, "https": 443}
_OTHER_DEFAULT_PORTS = {
    "dns": 53,
    "smtp": 25,
    "redis": 6379,
    "postgres": 5432,
    "mysql": 3306,
    "ping": 0,
    "file": 0,
}


class ArgumentError(Exception):
    """An argument that makes no probe; the message says why."""


class Target(NamedTuple):
    """What was named on the command line; ``keys`` are those that a URL stands for."""

    key: DestinationKey
    type: str
    keys: dict[str, str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("type", metavar="TYPE", help="a type of check, such as tcp or http")
    parser.add_argument("target", metavar="TARGET", help="ADDRESS, ADDRESS:PORT, or a URL")
    parser.add_argument(
        "keys",
        metavar="KEY=VALUE",
        nargs="*",
        help="a key of the check with its value as in a configuration, such as timeout=200ms",
    )


def run(arguments: argparse.Namespace) -> int:
    """Probe once. Returns 0 when it passes, 1 when it fails, 2 for wrong arguments."""
    try:
        target = _target(arguments.type, arguments.target)
        keys = {"type": target.type, **target.keys, **_pairs(arguments.keys)}
        text = "".join(f"{key}: {value}\n" for key, value in keys.items())
        check = parse_check(text, "arguments", target.key)
    except UnicodeEncodeError:  # what Python made of other bytes
        print("hadirector: an argument is not UTF-8", file=sys.stderr)
        return EXIT_USAGE
    except ArgumentError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return EXIT_USAGE
    except ConfigError as error:
        for fault in error.faults:
            print(f"hadirector: {fault.message}", file=sys.stderr)
        return EXIT_USAGE
    if check is None:
        print("hadirector: there is nothing to probe with type none", file=sys.stderr)
        return EXIT_USAGE
    progress = TimedProgress()
    result = asyncio.run(run_probe(check, progress))
    asked = endpoint(check.address, check.port) if check.port else check.address
    print(f"{target.type} {asked}: {_verdict(result)}")
    _print_stages(progress, result)
    _print_chain(progress)
    return EXIT_PASSED if result.passed else EXIT_FAILED


def _pairs(written: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for each in written:
        pair = _PAIR.fullmatch(each)
        if pair is None:
            raise ArgumentError(f"{each}: expected KEY=VALUE")
        key, value = pair.groups("")
        if key in pairs or key == "type":
            raise ArgumentError(f"{key}: given twice")
        pairs[key] = value
    return pairs


def _target(kind: str, written: str) -> Target:
    if "://" in written:
        return _of_url(kind, written)
    try:
        address, port = read_endpoint(written)
    except PydanticCustomError as error:
        raise ArgumentError(f"{written}: expected {error.message()}") from error
    if port is None:
        port = (_DEFAULT_PORTS | _OTHER_DEFAULT_PORTS).get(kind)
    if port is None:
        raise ArgumentError(f"{written}: a probe of type {kind} needs a port")
    return Target(DestinationKey(address, port), kind, {})


def _of_url(kind: str, written: str) -> Target:
    """Take a URL apart; its host name is resolved once, as a configuration would not do."""
    try:
        url = urlsplit(written)
        port = _DEFAULT_PORTS[url.scheme] if url.port is None else url.port
        found = socket.getaddrinfo(url.hostname, port, type=socket.SOCK_STREAM)
    except KeyError as error:
        raise ArgumentError(f"{written}: expected a URL of http or https") from error
    except (ValueError, OSError) as error:
        raise ArgumentError(f"{written}: {error}") from error
    fault = _url_fault(kind, url)
    if fault is not None:
        raise ArgumentError(f"{written}: {fault}")
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    keys = {"path": json.dumps(path)}
    if url.hostname != str(found[0][4][0]):
        keys["host"] = json.dumps(url.hostname)
    return Target(DestinationKey(str(found[0][4][0]), port), url.scheme, keys)


def _url_fault(kind: str, url: SplitResult) -> str | None:
    """Say what is in a URL, or is not, that would be passed over in silence."""
    if kind not in _DEFAULT_PORTS:
        return f"a URL is for the types http and https (got {kind})"
    if kind == "https" and url.scheme == "http":
        return "a probe of type https is not for a URL of http"
    if not url.hostname:
        return "there is no host in it"
    if url.port == 0:
        return "expected a port from 1 to 65535"
    if "@" in url.netloc:
        return "a name and a password are given as username=... password=..."
    return None


def _verdict(result: Result) -> str:
    words = f"{result.reason}: {result.detail} ({result.duration * 1000:.1f} ms)"
    if result.weight is not None:
        words += f"\n  asks for {result.weight} % of its weight"
    return f"{words}\n  warning: {result.warning}" if result.warning else words


def _print_stages(progress: TimedProgress, result: Result) -> None:
    """Print when each stage began, and how long it took; several probes at once have none."""
    if not progress.stages:
        return
    began = progress.stages[0][1]
    ends = [at for _, at in progress.stages[1:]] + [began + result.duration]
    for (stage, at), end in zip(progress.stages, ends, strict=True):
        print(f"  {(at - began) * 1000:9.1f} ms  {stage:33} {(end - at) * 1000:9.1f} ms")


def _print_chain(progress: TimedProgress) -> None:
    if progress.tls is None:
        return
    cipher = progress.tls.cipher()
    print(f"  {progress.tls.version()} {cipher[0] if cipher else ''}, certificates as sent:")
    for certificate in chain(progress.tls):
        print(f"    {_described(certificate)}")


def _described(certificate: Certificate | None) -> str:
    if certificate is None:
        return "one that cannot be read"
    names = f" for {', '.join(certificate.names)}" if certificate.names else ""
    return one_line(
        f"{certificate.subject}{names}, issued by {certificate.issuer}, {certificate.not_before}"
        f" to {certificate.not_after} ({certificate.days_left} days left)"
    )
