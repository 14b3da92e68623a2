"""The types of probes, and what each can be told: the one place where options are declared.

A struct's tag is the type's name in a configuration, its fields are the keys, and the annotation of
a field says what it may hold (`checks.definition.option_types`). None can be part of a cycle
(``gc=False``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, get_args

import msgspec

from checks.definition.option_types import (
    AccountName,
    Argument,
    DomainName,
    FilePath,
    Form,
    Headers,
    HiddenText,
    HostName,
    JsonValues,
    Payload,
    RegularExpression,
    RequestPath,
    RoleName,
    ServiceName,
    Sha256,
    Span,
    StatusRange,
    UserName,
    Whole,
)

ExpiryWarning = Annotated[float, Span("0s", "8760h")]
TWO_WEEKS = 14 * 86400.0


class TcpProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="tcp"):
    """Passes when a connection is established and, with ``expect``, its reply has come.

    ``send`` is sent first. ``expect`` is searched for in the first 64 KiB of what comes back.
    """

    send: Payload | None = None
    expect: RegularExpression | None = None


class TlsProbe(TcpProbe, frozen=True, kw_only=True, gc=False, tag="tls"):
    """The TCP probe over TLS.

    ``tls_name`` is sent as SNI and must be in the certificate; without it, the address must.
    The certificate is verified unless ``tls_verify`` is false; ``tls_ca_file`` replaces the
    system's certificate authorities. ``tls_expiry_warning`` seconds before the certificate
    expires the result begins to warn.
    """

    tls_name: HostName | None = None
    tls_verify: bool = True
    tls_ca_file: FilePath | None = None
    tls_expiry_warning: ExpiryWarning = TWO_WEEKS


class HttpProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="http"):
    """Passes when a request is answered with an expected status and everything else expected.

    ``host`` is sent as Host. Expectations of the body see its first 64 KiB. ``redirects`` is how
    many are followed, within the target only; at 0 a redirect is a status like any other.
    ``http_version`` 1 is HTTP/1.1; 2 is spoken at once, or by agreement over TLS.
    """

    http_version: Annotated[int, Whole(1, 2)] = 1
    method: Literal["GET", "HEAD", "POST"] = "GET"
    path: RequestPath = "/"
    host: HostName | None = None
    headers: Headers = ()
    body: Payload | None = None
    username: HiddenText | None = None
    password: HiddenText | None = None
    redirects: Annotated[int, Whole(0, 10)] = 0
    expect_status: tuple[StatusRange, ...] = ((200, 200),)
    expect_body: RegularExpression | None = None
    expect_sha256: Sha256 | None = None
    expect_json: JsonValues = ()


class HttpsProbe(HttpProbe, frozen=True, kw_only=True, gc=False, tag="https"):
    """The HTTP probe over TLS, with the options of TlsProbe; ``tls_name`` defaults to ``host``."""

    tls_name: HostName | None = None
    tls_verify: bool = True
    tls_ca_file: FilePath | None = None
    tls_expiry_warning: ExpiryWarning = TWO_WEEKS


class GrpcProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="grpc"):
    """Passes when a server says in gRPC's health protocol that a service is SERVING.

    An empty ``service`` stands for the server as a whole. ``host`` is sent as :authority. The
    options of TLS are those of TlsProbe; ``tls_name`` defaults to ``host``.
    """

    service: ServiceName = ""
    host: HostName | None = None
    tls: bool = False
    tls_name: HostName | None = None
    tls_verify: bool = True
    tls_ca_file: FilePath | None = None
    tls_expiry_warning: ExpiryWarning = TWO_WEEKS


class UdpProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="udp"):
    """Passes when a datagram is answered, with what is expected if anything is.

    Without ``require_reply`` silence for half of the timeout passes too: only an ICMP error fails.
    """

    send: Payload = b""
    expect: RegularExpression | None = None
    require_reply: bool = True


class DnsProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="dns"):
    """Passes when a query has the expected rcode and each expected answer among its answers.

    Answers are compared in the form of a zone file, without regard to case.
    """

    name: DomainName
    record: Literal["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"] = "A"
    protocol: Literal["udp", "tcp"] = "udp"
    expect_rcode: Literal["NOERROR", "NXDOMAIN", "REFUSED"] = "NOERROR"
    expect_answers: tuple[Argument, ...] = ()


class SmtpProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="smtp"):
    """Passes when a mail server greets, and accepts EHLO and, with ``starttls``, TLS.

    ``ehlo_name`` is how we introduce ourselves: our address unless given. The options of TLS are
    those of TlsProbe.
    """

    ehlo_name: HostName | None = None
    starttls: bool = False
    tls_name: HostName | None = None
    tls_verify: bool = True
    tls_ca_file: FilePath | None = None
    tls_expiry_warning: ExpiryWarning = TWO_WEEKS


class PingProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="ping"):
    """Passes when an ICMP echo request is answered. It is of a host, not of a port."""


class ScriptProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="script"):
    """Passes when a script of this host ends with status 0.

    It is given the target's address and port as its last arguments. With ``statement`` the first
    line that it prints is read as an agent's (`checks.probes.statement`).
    """

    script: FilePath
    arguments: tuple[Argument, ...] = ()
    user: UserName = "nobody"
    statement: bool = False


class FileProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="file"):
    """Passes when a file of this host is there and says so.

    ``expect`` is searched for in it; without that, what is in it is read as an agent's statement
    (`checks.probes.statement`), and an empty file passes.
    """

    file: FilePath
    expect: RegularExpression | None = None


class AgentProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="agent"):
    """Passes as an agent beside the target says, in HAProxy's protocol (`statement.py`)."""

    send: Payload | None = None


class RedisProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="redis"):
    """Passes when PING is answered with PONG, or with the demand for a password."""


class PostgresProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="postgres"):
    """Passes when a PostgreSQL server would let somebody log in; who that is does not matter.

    ``user`` and ``database`` are only what the server is told, and may log.
    """

    user: RoleName = "hadirector"
    database: RoleName = "postgres"


class MysqlProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="mysql"):
    """Passes when a MySQL or MariaDB server would let somebody log in; it need not be ``user``.

    It is asked without a password.
    """

    user: AccountName = "hadirector"


class Member(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One of several probes of a check, perhaps with a target of its own."""

    probe: Probe
    address: str | None = None
    port: int | None = None


class AllProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="all"):
    """Passes when each of several probes does; they run at the same time."""

    checks: Members


class AnyProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="any"):
    """Passes when one of several probes does; they run at the same time."""

    checks: Members


Members = Annotated[tuple[Member, ...], Form.CHECKS]
Probe = (
    TcpProbe
    | TlsProbe
    | HttpProbe
    | HttpsProbe
    | GrpcProbe
    | UdpProbe
    | DnsProbe
    | SmtpProbe
    | PingProbe
    | ScriptProbe
    | FileProbe
    | AgentProbe
    | RedisProbe
    | PostgresProbe
    | MysqlProbe
    | AllProbe
    | AnyProbe
)
"""Every type there is. What performs each is listed in `checks.probes.registry`."""

TlsOptions = TlsProbe | HttpsProbe | GrpcProbe | SmtpProbe
"""Those that speak TLS, each with the same four options."""

PROBE_TYPES: dict[str, type[Probe]] = {
    str(each.__struct_config__.tag): each for each in get_args(Probe)
}

Transport = Literal["tcp", "udp"]

MEMBERS_MAX = 16
"""Probes that one check may be of: they run at the same time, for each of its targets."""

# Of the headers that may be given at all. TE there is, but none of the values that mean something.
_NOT_IN_HTTP_2 = {"keep-alive", "proxy-connection", "te", "upgrade"}


def transports(probe: Probe) -> frozenset[Transport]:
    """Tell over what a probe asks the port of its target; nothing for one that asks no port."""
    match probe:
        case UdpProbe():
            return frozenset({"udp"})
        case DnsProbe():
            return frozenset({probe.protocol})
        case PingProbe() | ScriptProbe() | FileProbe():
            return frozenset()
        case AllProbe() | AnyProbe():
            members = (each for each in probe.checks if each.port is None)
            return frozenset().union(*(transports(each.probe) for each in members))
        case _:
            return frozenset({"tcp"})


def performers(probe: Probe) -> frozenset[type[Probe]]:
    """Name the types of what is asked in the end: of several in one, those of each."""
    match probe:
        case AllProbe() | AnyProbe():
            return frozenset().union(*(performers(each.probe) for each in probe.checks))
        case _:
            return frozenset({type(probe)})


def is_of_a_host(probe: Probe) -> bool:
    """Whether a probe asks a host as a whole, so that no port is part of its target."""
    match probe:
        case AllProbe() | AnyProbe():
            return all(each.port is not None or is_of_a_host(each.probe) for each in probe.checks)
        case _:
            return isinstance(probe, PingProbe | FileProbe)


def contradictions(probe: Probe) -> Iterator[tuple[str, str]]:
    """Find options that cannot go together: the one to blame, and why."""
    if isinstance(probe, TlsOptions):
        yield from _tls_contradictions(probe)
    match probe:
        case HttpProbe():
            yield from _http_contradictions(probe)
            if probe.http_version == 2:
                yield from _http_2_contradictions(probe)
        case SmtpProbe() if not probe.starttls:
            yield from _without_tls(probe, "starttls")
        case GrpcProbe() if not probe.tls:
            yield from _without_tls(probe, "tls")
        case AllProbe() | AnyProbe() if not 2 <= len(probe.checks) <= MEMBERS_MAX:
            number, most = len(probe.checks), MEMBERS_MAX
            yield "checks", f"wrong number (got {number}, expected 2 to {most} checks)"


def _tls_contradictions(probe: TlsOptions) -> Iterator[tuple[str, str]]:
    if not probe.tls_verify and probe.tls_ca_file is not None:
        yield "tls_ca_file", "no certificate is verified with tls_verify: false, so this has no use"


def _without_tls(probe: TlsOptions, switch: str) -> Iterator[tuple[str, str]]:
    for field in msgspec.structs.fields(TlsProbe):
        if field.name.startswith("tls_") and getattr(probe, field.name) != field.default:
            yield field.name, f"without {switch} there is no TLS"


def _http_contradictions(probe: HttpProbe) -> Iterator[tuple[str, str]]:
    if not probe.expect_status:
        yield (
            "expect_status",
            "no status can pass (got an empty list, expected codes from 100 to 599)",
        )
    if probe.body is not None and probe.method != "POST":
        yield "body", f"only a POST has a body (got method {probe.method})"
    if probe.password is not None and probe.username is None:
        yield "password", "there is no username to go with it"
    if ":" in (probe.username or ""):
        yield "username", "a colon ends the name in basic authentication (RFC 7617)"
    if probe.method == "HEAD":
        for key in ("expect_body", "expect_sha256", "expect_json"):
            if getattr(probe, key):
                yield key, "the reply to a HEAD has no body"


def _http_2_contradictions(probe: HttpProbe) -> Iterator[tuple[str, str]]:
    for name, _ in probe.headers:
        if name.lower() in _NOT_IN_HTTP_2:
            yield "headers", f"HTTP/2 has no {name} (RFC 9113, section 8.2.2)"
