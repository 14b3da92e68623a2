"""Client certificates: nginx and a Python server that require one, and faults of the files."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from checks.definition.options import GrpcProbe, HttpsProbe, Probe, SmtpProbe, TlsProbe
from checks.definition.result import Reason
from tests.lab.probes.asking import ask
from tests.lab.probes.certificates import GOOD_NAMES, Authority, openssl
from tests.lab.probes.real_servers import nginx

Answer = Callable[..., AbstractAsyncContextManager[int]]
Serve = Callable[..., AbstractAsyncContextManager[int]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def strict(authority: Authority) -> ssl.SSLContext:
    """A server that requires a client certificate of the authority."""
    context = authority.server("strict", GOOD_NAMES)
    context.load_verify_locations(authority.file)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def https(authority: Authority, certificate: Path | None, key: Path | None = None) -> HttpsProbe:
    return HttpsProbe(
        tls_ca_file=authority.file,
        tls_certificate_file=None if certificate is None else str(certificate),
        tls_key_file=None if key is None else str(key),
        expect_body="CN=lb|^ok$",
        path="/who",
        tls_expiry_warning=0.0,
    )


async def test_nginx_accepts_the_certificate_and_a_renewed_one_without_a_reload(
    authority: Authority,
) -> None:
    authority.server("good", GOOD_NAMES)
    first = authority.sign("client-1", "lb1", "DNS:lb1.example")
    second = authority.sign("client-2", "lb2", "DNS:lb2.example")
    more = (
        f"ssl_client_certificate {authority.file}; ssl_verify_client on;"
        ' location = /who { return 200 "$ssl_client_s_dn"; }'
    )
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder) / "lb.pem", Path(folder) / "lb.key"

        def install(files: tuple[Path, Path]) -> None:
            for file, new in zip((certificate, key), files, strict=True):
                (Path(folder) / "new").write_bytes(new.read_bytes())
                (Path(folder) / "new").rename(file)
                file.chmod(0o600)

        with (
            tempfile.TemporaryDirectory() as served,
            nginx(Path(served), "ssl", authority, more) as port,
        ):
            none = await ask(port, https(authority, None))
            install(first)
            passed = await ask(port, https(authority, certificate, key))
            install(second)
            renewed = HttpsProbe(
                tls_ca_file=authority.file,
                tls_certificate_file=str(certificate),
                tls_key_file=str(key),
                expect_body="^CN=lb2$",
                path="/who",
                tls_expiry_warning=0.0,
            )
            changed = await ask(port, renewed)
    assert (none.reason, none.detail) == (Reason.STATUS, "status 400, expected 200")
    assert (passed.passed, passed.warning) == (True, ""), passed
    assert changed.passed, changed


async def test_a_server_of_python_accepts_the_certificate(
    answer: Answer, authority: Authority
) -> None:
    """Its key is in the same file. Without the certificate the handshake fails."""
    certificate, key = authority.sign("client", "lb", "DNS:lb.example")
    both = authority.folder / "both.pem"
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    both.chmod(0o600)
    async with answer(OK, tls=strict(authority)) as port:
        good = await ask(port, https(authority, both))
        tls = TlsProbe(
            tls_ca_file=authority.file,
            tls_certificate_file=str(both),
            send=b"\r\n\r\n",
            expect="200 OK",
        )
        conversation = await ask(port, tls)
        without = await ask(
            port, TlsProbe(tls_ca_file=authority.file, send=b"\r\n\r\n", expect="200")
        )
    assert (good.passed, good.warning) == (True, "")
    assert conversation.passed, conversation
    assert conversation.warning.count("expires in 0 days") == 2, conversation.warning
    assert "; the client certificate expires in 0 days (" in conversation.warning
    assert not without.passed


async def test_faults_of_the_files_are_faults_of_this_host(
    answer: Answer, authority: Authority
) -> None:
    """They change no verdict. A later probe reads the mended files."""
    certificate, key = authority.sign("client", "lb", "DNS:lb.example")
    other_certificate, other_key = authority.sign("other", "lb", "DNS:lb.example")
    locked, missing = authority.folder / "locked.key", authority.folder / "missing.pem"
    openssl("ec", "-in", key, "-aes128", "-passout", "pass:secret", "-out", locked)
    text = authority.folder / "text.pem"
    text.write_text("hello")
    expected = [
        (missing, key, f"tls_certificate_file {missing}: No such file or directory"),
        (certificate, missing, f"tls_key_file {missing}: No such file or directory"),
        (text, key, f"tls_certificate_file {text}: "),
        (certificate, other_key, f"tls_certificate_file {certificate}, tls_key_file {other_key}: "),
        (certificate, locked, f"tls_certificate_file {certificate}, tls_key_file {locked}: "),
    ]
    async with answer(OK, tls=strict(authority)) as port:
        results = [await ask(port, https(authority, *files)) for *files, _ in expected]
        other_certificate.rename(certificate)
        mended = await ask(port, https(authority, certificate, other_key))
    assert [result.reason for result in results] == [Reason.LOCAL_ERROR] * len(expected)
    for result, (*_, detail) in zip(results, expected, strict=True):
        assert result.detail.startswith(detail), result
    assert results[3].detail.endswith("key values mismatch")
    assert mended.passed, mended


async def test_an_expired_certificate_proves_nothing_about_the_server(
    answer: Answer, authority: Authority
) -> None:
    certificate, key = authority.sign("client", "lb", "DNS:lb.example", days=-1)
    async with answer(OK, tls=strict(authority)) as port:
        result = await ask(port, https(authority, certificate, key))
    assert result.reason is Reason.LOCAL_ERROR, result
    assert result.detail.startswith(f"tls_certificate_file {certificate} has expired (")


async def test_a_key_that_others_may_read_is_a_warning(
    answer: Answer, authority: Authority
) -> None:
    certificate, key = authority.sign("client", "lb", "DNS:lb.example")
    key.chmod(0o644)
    async with answer(OK, tls=strict(authority)) as port:
        exposed = await ask(port, https(authority, certificate, key))
        key.chmod(0o640)
        closed = await ask(port, https(authority, certificate, key))
    assert exposed.passed, exposed
    assert exposed.warning == f"other users may read tls_key_file {key} (mode 0644)"
    assert (closed.passed, closed.warning) == (True, "")


MISSING = "/nowhere/client.pem"


@pytest.mark.parametrize(
    "probe",
    [
        GrpcProbe(tls=True, tls_certificate_file=MISSING),
        SmtpProbe(starttls=True, tls_certificate_file=MISSING),
        TlsProbe(tls_certificate_file=MISSING),
        HttpsProbe(tls_certificate_file=MISSING),
    ],
)
async def test_every_type_over_tls_reads_the_certificate(probe: Probe, serve: Serve) -> None:
    """A missing file is noticed before the handshake, on a connection that is established."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(probe, SmtpProbe):
            writer.write(b"220 mx\r\n")
            await reader.readline()
            writer.write(b"250-mx\r\n250 STARTTLS\r\n")
            await reader.readline()
            writer.write(b"220 go\r\n")
        await reader.read()

    async with serve(greet) as port:
        result = await ask(port, probe)
    assert result.reason is Reason.LOCAL_ERROR, result
    assert result.detail == f"tls_certificate_file {MISSING}: No such file or directory"
