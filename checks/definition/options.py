"""The types of probes with their options and traits. No other module lists the options of a type.

Each struct is one type of probe. Its tag is the name of the type in a configuration, and its fields
are the keys. The annotation of a field declares the accepted values
(`checks.definition.option_types`). ``gc=False``: the structs cannot form reference cycles.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, get_args

import msgspec

from checks.definition.option_types import (
    AccountName,
    Argument,
    BodyOffset,
    BytePattern,
    CredentialFile,
    DomainName,
    Duration,
    FilePath,
    Headers,
    HiddenText,
    HostName,
    Integer,
    JsonValues,
    Md5,
    Payload,
    Program,
    RegularExpression,
    RequestPath,
    RoleName,
    ServiceName,
    Sha256,
    ShellText,
    StatusRange,
    UserName,
    ValueFormat,
)
from checks.definition.traits import (
    COMPOSITE_TRAITS,
    NO_PORT,
    NO_WEIGHT,
    ROUTE_KEYS,
    PathEvidence,
    Traits,
    tcp_service_traits,
)

ExpiryWarning = Annotated[float, Duration("0s", "8760h")]
TWO_WEEKS = 14 * 86400.0


class TcpProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="tcp"):
    """Passes when a connection is established and, with ``expect``, the expected reply arrives.

    ``send`` is sent first. ``expect`` is searched for in the first 64 KiB of the reply.
    """

    traits: ClassVar[Traits] = tcp_service_traits(default_port=None, cost=1, tls=False)

    send: Payload | None = None
    expect: RegularExpression | None = None


class TlsProbe(TcpProbe, frozen=True, kw_only=True, gc=False, tag="tls"):
    """The TCP probe over TLS.

    The certificate of the server must contain ``tls_name``, which is also sent as SNI, or else
    the address of the target. ``tls_verify: false`` turns verification off. ``tls_ca_file``
    replaces the certificate authorities of the system. ``tls_certificate_file`` and
    ``tls_key_file`` contain a client certificate and its key, for servers that require one.
    Without the second file, the key is in the first. If a certificate of either side expires in
    less than ``tls_expiry_warning`` seconds, the result carries a warning.
    """

    traits: ClassVar[Traits] = tcp_service_traits(default_port=None, cost=1, tls=True)

    tls_name: HostName | None = None
    tls_verify: bool = True
    tls_ca_file: CredentialFile | None = None
    tls_certificate_file: CredentialFile | None = None
    tls_key_file: CredentialFile | None = None
    tls_expiry_warning: ExpiryWarning = TWO_WEEKS


class HttpProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="http"):
    """Passes when the reply to a request has an expected status and meets every other expectation.

    ``host`` is sent as the Host header. Expectations about the body apply to its first 64 KiB.
    A body that matches ``expect_not`` fails. A match must begin at a byte offset from
    ``expect_offset_min`` to ``expect_offset_max``. The probe follows up to ``redirects``
    redirects, only to the same server. With 0, a redirect status is judged like any other.
    ``http_version`` 1 is HTTP/1.1. Version 2 is negotiated by ALPN over TLS and used without
    negotiation in clear text.
    """

    traits: ClassVar[Traits] = tcp_service_traits(default_port=80, cost=2, tls=False)

    http_version: Annotated[int, Integer(1, 2)] = 1
    method: Literal["GET", "HEAD", "POST"] = "GET"
    path: RequestPath = "/"
    host: HostName | None = None
    headers: Headers = ()
    body: Payload | None = None
    username: HiddenText | None = None
    password: HiddenText | None = None
    redirects: Annotated[int, Integer(0, 10)] = 0
    expect_status: tuple[StatusRange, ...] = ((200, 200),)
    expect_body: RegularExpression | None = None
    expect_not: RegularExpression | None = None
    expect_offset_min: BodyOffset | None = None
    expect_offset_max: BodyOffset | None = None
    expect_sha256: Sha256 | None = None
    expect_md5: Md5 | None = None
    expect_json: JsonValues = ()


class HttpsProbe(HttpProbe, frozen=True, kw_only=True, gc=False, tag="https"):
    """The HTTP probe over TLS, with the options of TlsProbe. ``tls_name`` defaults to ``host``."""

    traits: ClassVar[Traits] = tcp_service_traits(default_port=443, cost=2, tls=True)

    tls_name: HostName | None = None
    tls_verify: bool = True
    tls_ca_file: CredentialFile | None = None
    tls_certificate_file: CredentialFile | None = None
    tls_key_file: CredentialFile | None = None
    tls_expiry_warning: ExpiryWarning = TWO_WEEKS


class GrpcProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="grpc"):
    """Passes when the server answers SERVING for a service (gRPC health checking protocol).

    An empty ``service`` stands for the whole server. ``host`` is sent as :authority. The TLS
    options have the same meaning as in TlsProbe, and ``tls_name`` defaults to ``host``.
    """

    traits: ClassVar[Traits] = tcp_service_traits(default_port=None, cost=2, tls="tls")

    service: ServiceName = ""
    host: HostName | None = None
    tls: bool = False
    tls_name: HostName | None = None
    tls_verify: bool = True
    tls_ca_file: CredentialFile | None = None
    tls_certificate_file: CredentialFile | None = None
    tls_key_file: CredentialFile | None = None
    tls_expiry_warning: ExpiryWarning = TWO_WEEKS


class UdpProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="udp"):
    """Passes when a reply to a datagram arrives and, with ``expect``, matches it.

    With ``expect_bytes``, the reply must begin with these bytes. Without ``require_reply``, silence
    for half of the timeout passes too, and only an ICMP error fails.
    """

    traits: ClassVar[Traits] = Traits(
        default_port=None,
        cost=1,
        tls=False,
        transport="udp",
        path_evidence=PathEvidence.PROOF,
        tests_service=True,
        unused_keys=NO_WEIGHT,
    )

    send: Payload = b""
    expect: RegularExpression | None = None
    expect_bytes: BytePattern | None = None
    require_reply: bool = True


class DnsProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="dns"):
    """Passes when the reply to a query has the expected rcode and contains every expected answer.

    Answers are compared in the notation of a zone file, without regard to case. ``protocol``
    selects UDP or TCP for the query.
    """

    traits: ClassVar[Traits] = Traits(
        default_port=53,
        cost=1,
        tls=False,
        transport="udp",
        path_evidence=PathEvidence.PROOF,
        tests_service=True,
        unused_keys=NO_WEIGHT,
    )

    name: DomainName
    record: Literal[
        "A", "AAAA", "CNAME", "DNSKEY", "MX", "NS", "PTR", "RRSIG", "SOA", "SRV", "TXT"
    ] = "A"
    protocol: Literal["udp", "tcp"] = "udp"
    expect_rcode: Literal["NOERROR", "NXDOMAIN", "REFUSED"] = "NOERROR"
    expect_answers: tuple[Argument, ...] = ()


class SmtpProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="smtp"):
    """Passes when a mail server sends a greeting and accepts EHLO and, with ``starttls``, TLS.

    ``ehlo_name`` is the name in EHLO, by default the local address. The TLS options have the same
    meaning as in TlsProbe.
    """

    traits: ClassVar[Traits] = tcp_service_traits(default_port=25, cost=2, tls="starttls")

    ehlo_name: HostName | None = None
    starttls: bool = False
    tls_name: HostName | None = None
    tls_verify: bool = True
    tls_ca_file: CredentialFile | None = None
    tls_certificate_file: CredentialFile | None = None
    tls_key_file: CredentialFile | None = None
    tls_expiry_warning: ExpiryWarning = TWO_WEEKS


class PingProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="ping"):
    """Passes when a reply to an ICMP echo request arrives. It tests a host, not a port."""

    traits: ClassVar[Traits] = Traits(
        default_port=NO_PORT,
        cost=1,
        tls=False,
        transport=None,
        path_evidence=PathEvidence.PROOF,
        tests_service=False,
        unused_keys=NO_WEIGHT | {"port", "via"},
    )


class ScriptProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="script"):
    """Passes when a script on this host exits with status 0.

    ``script`` is the path of a program; ``shell`` is a command for ``/bin/sh`` instead. In the
    arguments, the target replaces ``{address}`` and ``{port}``. ``append`` adds the address or
    port of the target as further arguments. With ``statement``, the first line of the output is
    an agent's statement, such as ``75%`` (`checks.probes.statement`). With ``exit_weight``, a
    status from 2 to 255 also passes and requests the weight ``status - 2`` (keepalived.conf(5),
    misc_dynamic).
    """

    traits: ClassVar[Traits] = Traits(
        default_port=None,
        cost=20,
        tls=False,
        transport=None,
        path_evidence=PathEvidence.UNCLEAR,
        tests_service=False,
        unused_keys=ROUTE_KEYS,
    )

    script: Program | None = None
    shell: ShellText | None = None
    arguments: tuple[Argument, ...] = ()
    append: tuple[Literal["address", "port"], ...] = ("address", "port")
    user: UserName = "nobody"
    group: UserName | None = None
    statement: bool = False
    exit_weight: bool = False


class FileProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="file"):
    """Passes when a file on this host exists and its content does not mark the target as down.

    With ``expect``, the content must match it. Without it, the content is an agent's statement
    such as ``75%`` or ``down`` (`checks.probes.statement`), and an empty file passes.
    """

    traits: ClassVar[Traits] = Traits(
        default_port=NO_PORT,
        cost=1,
        tls=False,
        transport=None,
        path_evidence=PathEvidence.NONE,
        tests_service=False,
        unused_keys=ROUTE_KEYS | {"address", "port"},
    )

    file: FilePath
    expect: RegularExpression | None = None


class AgentProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="agent"):
    """Passes when the agent on the target reports the server as usable (HAProxy's agent protocol).

    `checks.probes.statement` describes the protocol. The probe sends the text ``send`` before
    it reads.
    """

    traits: ClassVar[Traits] = Traits(
        default_port=None,
        cost=1,
        tls=False,
        transport="tcp",
        path_evidence=PathEvidence.PROOF,
        tests_service=False,
        unused_keys=frozenset(),
    )

    send: Payload | None = None


class RedisProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="redis"):
    """Passes when the reply to PING is PONG or a request for authentication."""

    traits: ClassVar[Traits] = tcp_service_traits(default_port=6379, cost=1, tls=False)


class PostgresProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="postgres"):
    """Passes when a PostgreSQL server accepts logins, even if it refuses this ``user``.

    The server receives ``user`` and ``database`` and may log them.
    """

    traits: ClassVar[Traits] = tcp_service_traits(default_port=5432, cost=1, tls=False)

    user: RoleName = "hadirector"
    database: RoleName = "postgres"


class MysqlProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="mysql"):
    """Passes when a MySQL or MariaDB server accepts logins, even if it refuses this ``user``.

    The login uses no password.
    """

    traits: ClassVar[Traits] = tcp_service_traits(default_port=3306, cost=1, tls=False)

    user: AccountName = "hadirector"


class Member(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One probe of a composite probe (`AllProbe` or `AnyProbe`).

    It may have its own address and port, and its own source, interface and mark
    (`checks.definition.check.Route`). None stands for the value of the check around it.
    """

    probe: Probe
    address: str | None = None
    port: int | None = None
    source: str | None = None
    interface: str | None = None
    mark: int | None = None


class AllProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="all"):
    """Passes when every member passes. The members run at the same time."""

    traits: ClassVar[Traits] = COMPOSITE_TRAITS

    checks: Members


class AnyProbe(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="any"):
    """Passes when at least one member passes. The members run at the same time."""

    traits: ClassVar[Traits] = COMPOSITE_TRAITS

    checks: Members


Members = Annotated[tuple[Member, ...], ValueFormat.CHECKS]
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
"""All types of probes. `checks.probes.registry` lists the function that performs each type."""

TlsOptions = TlsProbe | HttpsProbe | GrpcProbe | SmtpProbe
"""The types that can use TLS. They have the same six TLS options."""

PROBE_TYPES: dict[str, type[Probe]] = {
    str(options.__struct_config__.tag): options for options in get_args(Probe)
}
