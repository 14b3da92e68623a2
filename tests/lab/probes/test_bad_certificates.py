"""Every probe over TLS against every kind of bad certificate."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from checks.definition.options import GrpcProbe, HttpsProbe, Probe, SmtpProbe, TlsProbe
from checks.definition.result import Reason
from tests.lab.probes.asking import ask
from tests.lab.probes.certificates import GOOD_NAMES, ODD_NAMES, Authority

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[..., AbstractAsyncContextManager[int]]
Made = Callable[[Authority], ssl.SSLContext]

BAD: dict[str, tuple[Made, str]] = {
    "of another name": (
        lambda authority: authority.server("other", "DNS:other.example"),
        "certificate: IP address mismatch, certificate is not valid for '127.0.0.1'.",
    ),
    "expired": (
        lambda authority: authority.server("expired", GOOD_NAMES, days=-1),
        "certificate: certificate has expired",
    ),
    "with a name that is not UTF-8": (
        lambda authority: authority.server("odd", ODD_NAMES),
        "certificate: a name in the certificate is not UTF-8",
    ),
    "signed by itself": (
        lambda authority: authority.self_signed(),
        "certificate: self-signed certificate",
    ),
}


def probes(ca_file: str) -> dict[str, Probe]:
    return {
        "tls": TlsProbe(tls_ca_file=ca_file),
        "https": HttpsProbe(tls_ca_file=ca_file),
        "grpc": GrpcProbe(tls=True, tls_ca_file=ca_file),
        "smtp": SmtpProbe(starttls=True, tls_ca_file=ca_file),
    }


def offering(tls: ssl.SSLContext) -> Handler:
    """The part of a mail server before TLS."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx.example ESMTP\r\n")
        for reply in (b"250 STARTTLS\r\n", b"220 go ahead\r\n"):
            await reader.readline()
            writer.write(reply)
        await writer.start_tls(tls)

    return handle


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("kind", probes(""))
async def test_a_bad_certificate_fails_and_is_named(
    serve: Serve, endings: dict[str, Handler], authority: Authority, kind: str, bad: str
) -> None:
    made, detail = BAD[bad]
    tls = made(authority)
    tls.set_alpn_protocols(["h2"])
    in_the_clear = kind == "smtp"
    handler = offering(tls) if in_the_clear else endings["hang"]
    async with serve(handler, None if in_the_clear else tls) as port:
        result = await ask(port, probes(authority.file)[kind])
    assert (result.reason, result.detail) == (Reason.TLS, detail)
