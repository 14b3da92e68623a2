"""Commands against a remote director: TLS, and the token of the client."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from hadirector.cli import main
from tests.lab.probes.certificates import Authority, made_in
from tests.unit.status.test_verdict import STATUS

TOKEN = "hadt_7Qx"


class Server(http.server.ThreadingHTTPServer):
    """Answers every GET with a status, and keeps the requests."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.seen: list[tuple[str, str | None]] = []

    def handle_error(self, *_: object) -> None:
        """Ignore a client that refuses the certificate."""


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one request."""

    server: Server

    def do_GET(self) -> None:
        """Answer with a status, or refuse a client without the token."""
        self.server.seen.append((self.path, self.headers["Authorization"]))
        content = msgspec.json.encode(STATUS)
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self.send_response(401)
            content = msgspec.json.encode({"detail": "the request proves no identity"})
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return made_in(tmp_path)


@pytest.fixture
def server(authority: Authority) -> Iterator[Server]:
    running = Server(authority.server("remote", "DNS:localhost,IP:127.0.0.1"))
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    try:
        yield running
    finally:
        running.shutdown()
        running.server_close()
        thread.join()


@pytest.fixture
def token_file(tmp_path: Path) -> str:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    return str(file)


def test_a_command_works_on_a_remote_director(
    server: Server, authority: Authority, token_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    remote = ["--api", f"https://127.0.0.1:{server.server_port}/lb1/", "--token-file", token_file]
    assert main(["status", *remote, "--ca-file", authority.file]) == 0
    assert capsys.readouterr().out.startswith("OK  lb1: ACTIVE for web")
    assert server.seen == [("/lb1/v1/status", f"Bearer {TOKEN}")]


def test_an_unknown_authority_gets_no_token(
    server: Server, token_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    remote = ["--api", f"https://127.0.0.1:{server.server_port}", "--token-file", token_file]
    assert main(["status", *remote]) == 1
    assert "certificate verify failed" in capsys.readouterr().err
    assert server.seen == []


def test_the_refusal_of_a_remote_director_is_printed(
    server: Server, authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"https://localhost:{server.server_port}"
    assert main(["status", "--api", url, "--ca-file", authority.file]) == 1
    assert capsys.readouterr().err == "hadirector: the request proves no identity\n"
