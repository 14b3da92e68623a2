"""Run one probe and print each of its stages."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import re
import socket
import sys
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from pydantic_core import PydanticCustomError

from checks.definition.check import CheckDefinition
from checks.definition.options import PROBE_TYPES
from checks.definition.queries import requests_exit_weight
from checks.definition.result import Result
from checks.io.attempt import TimedProgress
from checks.io.errors import one_line
from checks.io.tls import Certificate, chain
from checks.probes.registry import run as run_probe
from hadirector.config.checks.single_check import parse_check
from hadirector.config.document.errors import ConfigError
from hadirector.config.keys.addresses import ENDPOINT
from hadirector.model.ipvs import DestinationKey, endpoint

EXIT_PASSED = 0
EXIT_FAILED = 1
EXIT_USAGE = 2

_PAIR = re.compile(r"([\w-]+)(?:=(.*))?", re.ASCII | re.DOTALL)

_URL_TYPES = ("http", "https")


class ArgumentError(Exception):
    """An invalid argument of the command. The message contains the argument and the fault."""


class Target(NamedTuple):
    """The target on the command line. ``keys`` are the keys of the check that a URL implies."""

    key: DestinationKey
    type: str
    keys: dict[str, str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("type", metavar="TYPE", help="the type of the check, such as tcp or http")
    parser.add_argument("target", metavar="TARGET", help="ADDRESS, ADDRESS:PORT, or a URL")
    parser.add_argument(
        "keys",
        metavar="KEY=VALUE",
        nargs="*",
        help="a key of the check and its value as in the configuration, such as timeout=200ms",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Probe once. Return 0 if the probe passes, 1 if it fails, 2 for invalid arguments."""
    try:
        target = _target(arguments.type, arguments.target)
        keys = {"type": target.type, **target.keys, **_pairs(arguments.keys)}
        text = "".join(f"{key}: {value}\n" for key, value in keys.items())
        check = parse_check(text, "arguments", target.key)
    except UnicodeEncodeError:  # Python decodes other bytes to surrogates
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
        print("hadirector: a check of type none has no probe", file=sys.stderr)
        return EXIT_USAGE
    progress = TimedProgress()
    result = asyncio.run(run_probe(check, progress))
    probed = endpoint(check.address, check.port) if check.port else check.address
    if arguments.json:
        from hadirector.cli.probe_json import encode_result

        print(encode_result(target.type, probed, result, progress))
        return EXIT_PASSED if result.passed else EXIT_FAILED
    print(f"{target.type} {probed}: {_format_result(check, result)}")
    _print_stages(progress, result)
    _print_digests(progress)
    _print_chain(progress)
    return EXIT_PASSED if result.passed else EXIT_FAILED


def _pairs(arguments: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for argument in arguments:
        pair = _PAIR.fullmatch(argument)
        if pair is None:
            raise ArgumentError(f"{argument}: expected KEY=VALUE")
        key, value = pair.groups("")
        if key in pairs or key == "type":
            raise ArgumentError(f"{key}: given twice")
        pairs[key] = value
    return pairs


def _target(probe_type: str, argument: str) -> Target:
    if "://" in argument:
        return _read_url(probe_type, argument)
    try:
        address, port = ENDPOINT(argument)
    except PydanticCustomError as error:
        raise ArgumentError(f"{argument}: expected {error.message()}") from error
    if port is None and probe_type in PROBE_TYPES:
        port = PROBE_TYPES[probe_type].traits.default_port
    if port is None:
        raise ArgumentError(f"{argument}: a probe of type {probe_type} needs a port")
    return Target(DestinationKey(address, port), probe_type, {})


def _read_url(probe_type: str, argument: str) -> Target:
    """Read a URL, and resolve its host name once. A configuration accepts addresses only."""
    try:
        url = urlsplit(argument)
        if url.scheme not in _URL_TYPES:
            raise ArgumentError(f"{argument}: expected an http or https URL")
        port = PROBE_TYPES[url.scheme].traits.default_port if url.port is None else url.port
        assert port is not None
        address = str(socket.getaddrinfo(url.hostname, port, type=socket.SOCK_STREAM)[0][4][0])
    except (ValueError, OSError) as error:
        raise ArgumentError(f"{argument}: {error}") from error
    fault = _find_url_fault(probe_type, url)
    if fault is not None:
        raise ArgumentError(f"{argument}: {fault}")
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    keys = {"path": json.dumps(path)}
    if url.hostname != address:
        keys["host"] = json.dumps(url.hostname)
    return Target(DestinationKey(address, port), url.scheme, keys)


def _find_url_fault(probe_type: str, url: SplitResult) -> str | None:
    """Find a part of a URL that is missing, or that the probe would ignore silently."""
    if probe_type not in _URL_TYPES:
        return f"only the types http and https accept a URL (got {probe_type})"
    if probe_type == "https" and url.scheme == "http":
        return "a probe of type https does not accept an http URL"
    if not url.hostname:
        return "the URL has no host"
    if url.port == 0:
        return "expected a port from 1 to 65535"
    if "@" in url.netloc:
        return "expected user name and password as the arguments username=... password=..."
    return None


def _format_result(check: CheckDefinition, result: Result) -> str:
    text = f"{result.reason}: {result.detail} ({result.duration * 1000:.1f} ms)"
    if result.weight is not None:
        percentage = not requests_exit_weight(check.probe)
        text += (
            f"\n  requests {result.weight} % of its weight"
            if percentage
            else (f"\n  requests the weight {result.weight}")
        )
    return f"{text}\n  warning: {result.warning}" if result.warning else text


def _print_stages(progress: TimedProgress, result: Result) -> None:
    """Print the start and the duration of each stage. Composite probes have no stages."""
    if not progress.stages:
        return
    began = progress.stages[0][1]
    ends = [at for _, at in progress.stages[1:]] + [began + result.duration]
    for (stage, at), end in zip(progress.stages, ends, strict=True):
        print(f"  {(at - began) * 1000:9.1f} ms  {stage:33} {(end - at) * 1000:9.1f} ms")


def _print_digests(progress: TimedProgress) -> None:
    """Print the values that expect_sha256 and expect_md5 compare."""
    body = progress.body
    if body is None:
        return
    print(f"  body of {len(body)} bytes:")
    print(f"    sha256 {hashlib.sha256(body).hexdigest()}")
    print(f"    md5    {hashlib.md5(body, usedforsecurity=False).hexdigest()}")


def _print_chain(progress: TimedProgress) -> None:
    if progress.tls is None:
        return
    cipher = progress.tls.cipher()
    print(f"  {progress.tls.version()} {cipher[0] if cipher else ''}, certificates as sent:")
    for certificate in chain(progress.tls):
        print(f"    {_describe_certificate(certificate)}")


def _describe_certificate(certificate: Certificate | None) -> str:
    if certificate is None:
        return "unreadable certificate"
    names = f" for {', '.join(certificate.names)}" if certificate.names else ""
    return one_line(
        f"{certificate.subject}{names}, issued by {certificate.issuer}, {certificate.not_before}"
        f" to {certificate.not_after} ({certificate.days_left} days left)"
    )
