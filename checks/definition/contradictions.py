"""Finds options of one probe that cannot be combined or have no effect together."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from checks.definition.options import (
    AllProbe,
    AnyProbe,
    HttpProbe,
    Probe,
    ScriptProbe,
    TlsOptions,
    TlsProbe,
)
from checks.definition.queries import requests_exit_weight, requests_percentage, uses_tls

MEMBERS_MAX = 16
"""The largest number of members of a check. They run at the same time, for each target."""

BODY_EXPECTATIONS = ("expect_body", "expect_not", "expect_sha256", "expect_md5", "expect_json")
"""The options of an HTTP probe that need the body of the reply."""

# Headers that HTTP/2 forbids. TE is allowed there, but only with values that have no use here.
_NOT_IN_HTTP_2 = {"keep-alive", "proxy-connection", "te", "upgrade"}


def contradictions(probe: Probe) -> Iterator[tuple[str, str]]:
    """Yield each contradiction as the name of the wrong option and a message with the reason."""
    if isinstance(probe, TlsOptions):
        yield from _tls_contradictions(probe)
    match probe:
        case HttpProbe():
            yield from _http_contradictions(probe)
            if probe.http_version == 2:
                yield from _http_2_contradictions(probe)
        case AllProbe() | AnyProbe() if requests_exit_weight(probe) and requests_percentage(probe):
            yield (
                "checks",
                "one member requests a weight (exit_weight), and another member requests a"
                " percentage of the configured weight; expected one kind of request",
            )
        case ScriptProbe():
            yield from _script_contradictions(probe)
        case AllProbe() | AnyProbe() if not 2 <= len(probe.checks) <= MEMBERS_MAX:
            number = len(probe.checks)
            yield "checks", f"wrong number (got {number}, expected 2 to {MEMBERS_MAX} checks)"


def _script_contradictions(probe: ScriptProbe) -> Iterator[tuple[str, str]]:
    if probe.exit_weight and probe.statement:
        yield (
            "exit_weight",
            "cannot be combined with statement, because both set a weight; remove one of them",
        )
    if probe.script is None and probe.shell is None:
        yield "script", "no program to run (expected the key script or the key shell)"
    elif probe.script is not None and probe.shell is not None:
        yield "shell", "script and shell cannot be combined; remove one of them"
    elif probe.shell is not None and probe.arguments:
        yield "arguments", "shell takes no arguments; write them in its text"


def _tls_contradictions(probe: TlsOptions) -> Iterator[tuple[str, str]]:
    if not probe.tls_verify and probe.tls_ca_file is not None:
        yield "tls_ca_file", "has no effect, because tls_verify: false turns verification off"
    if probe.tls_key_file is not None and probe.tls_certificate_file is None:
        yield "tls_key_file", "has no effect without tls_certificate_file"
    if not uses_tls(probe):
        for field in msgspec.structs.fields(TlsProbe):
            if field.name.startswith("tls_") and getattr(probe, field.name) != field.default:
                yield field.name, f"has no effect without {probe.traits.tls}: true"


def _http_contradictions(probe: HttpProbe) -> Iterator[tuple[str, str]]:
    if not probe.expect_status:
        yield (
            "expect_status",
            "no status of a reply can pass (got an empty list, expected codes from 100 to 599)",
        )
    if probe.body is not None and probe.method != "POST":
        yield "body", f"only a request with method POST has a body (got method {probe.method})"
    if probe.password is not None and probe.username is None:
        yield "password", "has no effect without a username"
    if ":" in (probe.username or ""):
        yield "username", "contains a colon, which basic authentication forbids (RFC 7617)"
    if probe.method == "HEAD":
        for key in BODY_EXPECTATIONS:
            if getattr(probe, key):
                yield key, "the reply to a HEAD request has no body"
    yield from _offset_contradictions(probe)


def _offset_contradictions(probe: HttpProbe) -> Iterator[tuple[str, str]]:
    low, high = probe.expect_offset_min, probe.expect_offset_max
    if probe.expect_body is None and probe.expect_not is None:
        for key, offset in (("expect_offset_min", low), ("expect_offset_max", high)):
            if offset is not None:
                yield key, "has no effect without expect_body or expect_not"
    elif low is not None and high is not None and low > high:
        yield (
            "expect_offset_max",
            f"wrong value (got {high}, expected at least {low}, expect_offset_min)",
        )


def _http_2_contradictions(probe: HttpProbe) -> Iterator[tuple[str, str]]:
    for name, _ in probe.headers:
        if name.lower() in _NOT_IN_HTTP_2:
            yield "headers", f"HTTP/2 forbids the header {name} (RFC 9113, section 8.2.2)"
