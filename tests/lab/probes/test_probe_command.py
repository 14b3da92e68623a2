"""The probe command, started like an operator starts it."""

import asyncio
import json
import re
import ssl
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from hadirector.cli import main
from tests.lab.probes.certificates import GOOD_NAMES, ODD_NAMES, Authority, server_context

Answer = Callable[..., AbstractAsyncContextManager[int]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
COMMAND = Path(sys.executable).with_name("hadirector")


async def probe(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a thread, because the server runs in this event loop."""

    def run() -> subprocess.CompletedProcess[str]:
        command = [str(COMMAND), "probe", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    return await asyncio.to_thread(run)


async def test_the_output_has_the_stages_and_certificates(
    answer: Answer, authority: Authority
) -> None:
    tls = authority.server("good", GOOD_NAMES)
    async with answer(OK, tls=tls) as port:
        url = f"https://127.0.0.1:{port}/health"
        seen = await probe("http", url, f"tls_ca_file={authority.file}", "expect_body=^ok$")
    assert (seen.returncode, seen.stderr) == (0, "")
    first, warning, *stages = seen.stdout.splitlines()
    assert re.fullmatch(
        rf"https 127\.0\.0\.1:{port}: passed: expected status and body \(\d+\.\d ms\)", first
    )
    assert warning.startswith("  warning: the certificate expires in ")
    names = [re.fullmatch(r" +[\d.]+ ms  (.*?) +[\d.]+ ms", line) for line in stages[:4]]
    assert [name and name[1] for name in names] == [
        "connecting",
        "in the TLS handshake",
        "waiting for the reply",
        "reading the body",
    ]
    assert stages[4:7] == [
        "  body of 2 bytes:",
        "    sha256 2689367b205c16ce32ed4200942b8b8b1e262dfc70d9bc9fbc77c49699a4f1df",
        "    md5    444bcb3a3fcf8389296c49467f27e1d6",
    ]
    assert stages[7].startswith("  TLSv1.")
    assert stages[8].startswith(
        "    commonName=server for web.example, 127.0.0.1, issued by commonName=authority, "
    )
    assert len(stages) == 9


async def test_the_result_as_json_has_the_stages_the_digests_and_the_certificates(
    answer: Answer, authority: Authority
) -> None:
    tls = authority.server("good", GOOD_NAMES)
    async with answer(OK, tls=tls) as port:
        url = f"https://127.0.0.1:{port}/health"
        seen = await probe("http", url, f"tls_ca_file={authority.file}", "--json")
    found = json.loads(seen.stdout)
    assert (seen.returncode, found["passed"], found["reason"]) == (0, True, "passed")
    assert (found["type"], found["target"]) == ("https", f"127.0.0.1:{port}")
    assert [stage["stage"] for stage in found["stages"]] == [
        "connecting",
        "in the TLS handshake",
        "waiting for the reply",
        "reading the body",
    ]
    assert found["stages"][0]["began"] == 0.0
    assert found["body"]["md5"] == "444bcb3a3fcf8389296c49467f27e1d6"
    assert found["tls"]["certificates"][0]["issuer"] == "commonName=authority"
    refused = await probe("tcp", "127.0.0.1:1", "--json")
    failed = json.loads(refused.stdout)
    assert (refused.returncode, failed["reason"], failed["body"], failed["tls"]) == (
        1,
        "refused",
        None,
        None,
    )


def without_a_date(authority: Authority) -> ssl.SSLContext:
    """TLS settings of a server, with a certificate whose expiry is not a calendar date."""
    authority.server("dateless", GOOD_NAMES)
    key, file = (authority.folder / f"dateless.{end}" for end in ("key", "pem"))
    written = ssl.PEM_cert_to_DER_cert(file.read_text())
    last = re.findall(rb"\d{12}Z", written)[-1]
    file.write_text(ssl.DER_cert_to_PEM_cert(written.replace(last, b"999999999999Z")))
    return server_context(file, key)


@pytest.mark.parametrize(
    "made", [without_a_date, lambda authority: authority.server("odd", ODD_NAMES)]
)
async def test_an_unreadable_certificate_is_named(
    answer: Answer, authority: Authority, made: Callable[[Authority], ssl.SSLContext]
) -> None:
    async with answer(OK, tls=made(authority)) as port:
        seen = await probe("https", f"127.0.0.1:{port}", "tls_verify=false")
    assert (seen.returncode, seen.stderr) == (0, "")
    assert seen.stdout.splitlines()[-1] == "    unreadable certificate"


async def test_a_failed_probe_exits_with_1(closed_port: int) -> None:
    seen = await probe("tcp", f"127.0.0.1:{closed_port}")
    assert seen.returncode == 1
    assert "refused: connecting: Connection refused" in seen.stdout


def test_a_composite_probe_has_one_result(
    capsys: pytest.CaptureFixture[str], closed_port: int, tmp_path: Path
) -> None:
    (tmp_path / "up").touch()
    checks = f"checks=[{{type: file, file: {tmp_path}/up}}, {{type: tcp}}]"
    assert main(["probe", "any", f"127.0.0.1:{closed_port}", checks]) == 0
    assert main(["probe", "all", f"127.0.0.1:{closed_port}", checks]) == 1
    passed, failed = capsys.readouterr().out.splitlines()
    assert f"any 127.0.0.1:{closed_port}: passed: file: {tmp_path}/up exists" in passed
    assert "refused: tcp: connecting: Connection refused" in failed


def test_a_file_probe_makes_no_connection(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "half").write_text("50%")
    assert main(["probe", "file", "127.0.0.1", f"file={tmp_path}/half"]) == 0
    first, weight, stage = capsys.readouterr().out.splitlines()
    assert first.startswith(f"file 127.0.0.1: passed: {tmp_path}/half reports 50%")
    assert weight == "  requests 50 % of its weight"
    assert "reading the file" in stage


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["tcp", "web1:80"], "web1:80: expected ADDRESS:PORT, such as 192.0.2.1:80 or "),
        (["tcp", "[::1"], "[::1: expected ADDRESS:PORT, such as "),
        (["tcp", "0.0.0.0:80"], "0.0.0.0:80: expected ADDRESS:PORT, such as "),
        (["tcp", "10.0.0.1:0"], "10.0.0.1:0: expected a port from 1 to 65535"),
        (["tcp", "10.0.0.1"], "10.0.0.1: a probe of type tcp needs a port"),
        (["tcp", "10.0.0.1:x"], "10.0.0.1:x: expected a port from 1 to 65535"),
        (["tcp", "http://10.0.0.1"], "http://10.0.0.1: only the types http and https accept"),
        (["http", "ftp://10.0.0.1"], "ftp://10.0.0.1: expected an http or https URL"),
        (["http", "http://[::1"], "http://[::1: Invalid IPv6 URL"),
        (["http", "http://"], "http://: the URL has no host"),
        (["http", "http://10.0.0.1:0/"], "http://10.0.0.1:0/: expected a port from 1 to 65535"),
        (
            ["http", "http://a:b@10.0.0.1/"],
            "http://a:b@10.0.0.1/: expected user name and password as",
        ),
        (["https", "http://10.0.0.1"], "http://10.0.0.1: a probe of type https does not accept"),
        (["none", "10.0.0.1:1"], "a check of type none has no probe"),
        (["tcp", "10.0.0.1:1", "path=/"], "path: a check of this type has no path"),
        (["tcp", "10.0.0.1:1", "rise=0"], "rise: wrong value (got 0, expected a whole number"),
        (["tcp", "10.0.0.1:1", "rise=1", "rise=2"], "rise: given twice"),
        (["tcp", "10.0.0.1:1", "type=http"], "type: given twice"),
        (["tcp", "10.0.0.1:1", "=1"], "=1: expected KEY=VALUE"),
        (["tcp", "10.0.0.1:1", "Rise=1"], 'unknown key "Rise", did you mean "rise"?'),
        (["tcp", "10.0.0.1:1", "send=\udcff"], "an argument is not UTF-8"),
        (
            ["tcp", "10.0.0.1:1", "source=::1"],
            "source: the source ::1 and the probed address 10.0.0.1",
        ),
        (["tcp", "10.0.0.1:1", "expect=("], "expect: "),
        (["tcp", "10.0.0.1:1", "expect=["], "not valid YAML: "),
        (
            ["tcp", "10.0.0.1:1", "timeout=2h"],
            "timeout: wrong value",
        ),
        (
            ["tcp", "10.0.0.1:1", "via=vip"],
            "via: a single check has no virtual server to go through",
        ),
        (["sctp", "10.0.0.1:1"], 'type: wrong value (got "sctp", expected one of tcp, tls, '),
    ],
)
def test_wrong_arguments_are_named(
    capsys: pytest.CaptureFixture[str], arguments: list[str], fault: str
) -> None:
    assert main(["probe", *arguments]) == 2
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err.startswith(f"hadirector: {fault}")
