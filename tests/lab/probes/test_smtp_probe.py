"""The SMTP probe against a small mail server, and against bad servers."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from checks.definition.options import SmtpProbe
from checks.definition.result import Reason
from tests.lab.probes.asking import ask, time_for
from tests.lab.probes.certificates import GOOD_NAMES, Authority

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[..., AbstractAsyncContextManager[int]]

LATE = "no answer within 0.3 s while waiting for "
GREETING = b"220 mx.example ESMTP\r\n"


def mail_server(heard: list[str], tls: ssl.SSLContext | None) -> Handler:
    """The part of RFC 5321 that a probe uses. With certificates, it offers STARTTLS."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        while line := await reader.readline():
            heard.append(line.decode().rstrip("\r\n"))
            match heard[-1].split()[0]:
                case "EHLO":
                    offer = b"250-STARTTLS\r\n" if tls else b""
                    writer.write(b"250-mx.example\r\n250-SIZE 1000\r\n" + offer + b"250 HELP\r\n")
                case "STARTTLS" if tls:
                    writer.write(b"220 go ahead\r\n")
                    await writer.start_tls(tls)
                case "QUIT":
                    writer.write(b"221 bye\r\n")
                    return

    return handle


@pytest.mark.parametrize(
    ("address", "hello"), [("127.0.0.1", "[127.0.0.1]"), ("::1", "[IPv6:::1]")]
)
async def test_smtp_sends_ehlo_and_quits(serve: Serve, address: str, hello: str) -> None:
    heard: list[str] = []
    async with serve(mail_server(heard, None), host=address) as port:
        result = await ask(port, SmtpProbe(), address)
    assert (result.reason, result.detail) == (Reason.PASSED, "EHLO accepted")
    assert heard == [f"EHLO {hello}", "QUIT"]


async def test_smtp_continues_over_tls(serve: Serve, authority: Authority) -> None:
    """The probe sends EHLO again over TLS (RFC 3207 section 4.2)."""
    heard: list[str] = []
    tls = authority.server("good", GOOD_NAMES)
    options = SmtpProbe(starttls=True, tls_ca_file=authority.file, ehlo_name="lb1.example")
    async with serve(mail_server(heard, tls)) as port:
        result = await ask(port, options)
        distrusted = await ask(port, SmtpProbe(starttls=True))
    assert (result.reason, result.detail) == (Reason.PASSED, "EHLO accepted over TLS")
    assert heard[:4] == ["EHLO lb1.example", "STARTTLS", "EHLO lb1.example", "QUIT"]
    assert result.warning.startswith("the certificate expires in ")
    assert distrusted.reason is Reason.TLS
    assert distrusted.detail.startswith("certificate: ")


async def test_smtp_fails_without_the_extension_starttls(serve: Serve) -> None:
    async with serve(mail_server([], None)) as port:
        result = await ask(port, SmtpProbe(starttls=True))
    assert (result.reason, result.detail) == (Reason.REPLY, "STARTTLS is not offered")


TOO_LONG = "not an SMTP reply: more than 100 lines or 65536 bytes"


def saying(lines: list[bytes], ending: Handler) -> Handler:
    """Send the first line at once, and another one after each line from the client."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(lines[0])
        for line in lines[1:]:
            await reader.readline()
            writer.write(line)
        await writer.drain()
        await asyncio.sleep(0.02)
        await ending(reader, writer)

    return handle


@pytest.mark.parametrize(
    ("lines", "ending", "reason", "detail"),
    [
        ([b""], "hang", Reason.TIMEOUT, LATE + "the greeting"),
        ([b""], "drip", Reason.TIMEOUT, LATE + "the greeting"),
        ([b""], "close", Reason.PROTOCOL, "waiting for the greeting: connection closed without"),
        ([b""], "reset", Reason.RESET, "waiting for the greeting: Connection reset by peer"),
        (
            [b""],
            "flood",
            Reason.PROTOCOL,
            "waiting for the greeting: got a line of more than 65536",
        ),
        ([b"554 no\r\n"], "close", Reason.STATUS, "greeting: 554 no, expected 220"),
        ([b"HTTP/1.1 400\r\n"], "close", Reason.PROTOCOL, "not an SMTP reply: HTTP/1.1 400"),
        ([b"220-\xff\x1b\r\n"], "hang", Reason.TIMEOUT, LATE + "the greeting"),
        ([b"\xff\xfe\r\n"], "hang", Reason.PROTOCOL, "not an SMTP reply: "),
        ([b"220-a\r\n" * 101], "hang", Reason.PROTOCOL, TOO_LONG),
        ([(b"220-" + b"a" * 40_000 + b"\r\n") * 2], "hang", Reason.PROTOCOL, TOO_LONG),
        ([GREETING], "hang", Reason.TIMEOUT, LATE + "the reply to EHLO"),
        ([GREETING, b"502 what\r\n"], "close", Reason.STATUS, "EHLO: 502 what, expected 250"),
        (
            [GREETING, b"250 STARTTLS\r\n", b"454 not now\r\n"],
            "close",
            Reason.STATUS,
            "STARTTLS: 454 not now, expected 220",
        ),
        (  # this reply would be taken for the reply to the first command over TLS
            [GREETING, b"250 STARTTLS\r\n", b"220 go\r\n250 welcome\r\n"],
            "hang",
            Reason.PROTOCOL,
            "the server continues without TLS: 250 welcome",
        ),
        (
            [GREETING, b"250 STARTTLS\r\n", b"220 go\r\n"],
            "hang",
            Reason.TIMEOUT,
            "no answer within 0.3 s while in the TLS handshake",
        ),
    ],
)
async def test_smtp_names_the_fault_of_a_bad_server(  # noqa: PLR0917 - pytest gives names
    serve: Serve,
    endings: dict[str, Handler],
    lines: list[bytes],
    ending: str,
    reason: Reason,
    detail: str,
) -> None:
    async with serve(saying(lines, endings[ending])) as port:
        result = await ask(port, SmtpProbe(starttls=True), timeout=time_for(reason))
    assert result.reason is reason, result
    assert result.detail.startswith(detail), result
    assert result.detail.isprintable()
    assert result.duration < 1.5
