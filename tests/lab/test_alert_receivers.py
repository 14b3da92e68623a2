"""Receivers of alerts: a webhook that fails and then accepts, a closed port, and a command."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import pwd
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hadirector.api.client import ApiError, request
from hadirector.cli import main
from tests.lab.loopback import RunningDirector, WebServer, free_ports
from tests.waiting import eventually

KEY = bytes(range(32))
SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
CONFIGURATION = """\
director: {{name: lb1, dataplane: userspace, runtime_directory: {directory}/run}}
alerts:
  - {{name: hook, webhook: "http://127.0.0.1:{hook}/s3cret", secret_file: {secret}, timeout: 1s}}
  - {{name: closed, webhook: "http://127.0.0.1:{closed}/", on: [pool_down, blind]}}
  - {{name: mail, command: [{script}, -t], user: {user}, to: [ops@example.net],
     on: [pool_down, receiver_failed]}}
virtual_servers:
  - name: web
    address: 127.0.0.110:{service}
    scheduler: rr
    forwarding: nat
    check: {{type: tcp, interval: 200ms, timeout: 200ms, rise: 1, fall: 1}}
    real_servers:
      - {{address: 127.0.0.1:{real_server}}}
"""


class Hook:
    """A receiver that first answers 500, then hangs, and then accepts every message."""

    def __init__(self) -> None:
        self.attempts: list[tuple[dict[str, str], bytes]] = []
        self.over = threading.Event()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.attempts.append(({k.lower(): v for k, v in self.headers.items()}, body))
                if len(hook.attempts) == 2:
                    hook.over.wait(30)
                    return
                self.send_response(500 if len(hook.attempts) == 1 else 204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self._thread = threading.Thread(target=self.server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The accepted messages."""
        return [json.loads(body) for _, body in self.attempts[2:]]


class Scene:
    """A director with three receivers, and its one real server."""

    def __init__(self, directory: Path, hook: Hook) -> None:
        self.hook = hook
        self.web = WebServer()
        self.mails = directory / "mails"
        self.mails.mkdir()
        script = directory / "mail"
        part = directory / "part"
        script.write_text(
            f'#!/bin/sh\n[ "$1" = -t ] && cat > {part}.$$ && mv {part}.$$ {self.mails}/$$\n'
        )
        script.chmod(0o755)
        secret = directory / "secret"
        secret.write_text(f"{SECRET}\n")
        secret.chmod(0o600)
        closed, service = free_ports(2)
        text = CONFIGURATION.format(
            directory=directory / "lb1",
            hook=hook.port,
            secret=secret,
            closed=closed,
            script=script,
            user=pwd.getpwuid(os.getuid()).pw_name,
            service=service,
            real_server=self.web.port,
        )
        self.director = RunningDirector(directory / "lb1", text)

    @property
    def socket(self) -> str:
        return str(self.director.directory / "run" / "api.sock")

    def passes(self) -> bool:
        [server] = self.director.status().virtual_servers
        return server.has_quorum is True

    def texts(self) -> list[str]:
        """The mails, in the order of their arrival."""
        files = sorted(self.mails.iterdir(), key=lambda file: file.stat().st_mtime_ns)
        return [file.read_text() for file in files]

    def end(self) -> None:
        self.director.end()
        with contextlib.suppress(ProcessLookupError):
            self.web.kill()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    hook = Hook()
    made = Scene(tmp_path, hook)
    try:
        eventually(made.director.answers, 20)
        eventually(made.passes, 10)
        yield made
    finally:
        made.end()
        hook.close()


def signature(headers: dict[str, str], body: bytes) -> str:
    """Return the signature as the specification of Standard Webhooks defines it."""
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()


def test_a_storm_and_its_end_are_two_messages_and_a_failing_receiver_delays_nobody(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    hook = scene.hook
    scene.web.kill()
    eventually(lambda: len(scene.texts()) == 1, 20, "the mail about the pool")
    [mail] = scene.texts()
    assert "To: ops@example.net\n" in mail
    assert "Subject: lb1: 1 alert began\n" in mail
    assert "pool_down web: quorum lost: 0 passing, 1 needed" in mail.replace("=\n", "")
    # The hook gets one message about all of it: after an error, and after a timeout of 1 s.
    eventually(lambda: len(hook.attempts) == 3, 20, "the third attempt")
    [storm] = hook.bodies
    assert sorted((each["condition"], each["object"]) for each in storm["data"]["began"]) == [
        ("pool_down", "web"),
        ("real_server_failed", f"web/127.0.0.1:{scene.web.port}"),
    ]
    assert len({headers["webhook-id"] for headers, _ in hook.attempts}) == 1
    for headers, body in hook.attempts:
        assert headers["webhook-signature"] == signature(headers, body)
    # The receiver with the closed port is visible everywhere, and no output has a secret.
    eventually(lambda: any(each.failing for each in scene.director.status().alert_receivers), 10)
    status = scene.director.status()
    [failing] = [each for each in status.alert_receivers if each.failing]
    assert (failing.name, failing.failure, failing.waiting) == ("closed", "Connection refused", 1)
    assert status.verdict is not None
    assert "alert_receiver_failing" in {each.code for each in status.verdict.problems}
    metrics = request(scene.socket, "GET", "/metrics").decode()
    assert 'hadirector_alert_receiver_failing{receiver="closed"} 1.0' in metrics
    assert '"event": "alert_receiver_failed"' in scene.director.log
    assert "s3cret" not in scene.director.log
    # The end of the storm is one more message, also for the mail.
    scene.web = WebServer(scene.web.port)
    eventually(lambda: any(body["data"]["ended"] for body in hook.bodies), 20, "the end")
    eventually(lambda: any("ENDED pool_down web" in text for text in scene.texts()), 10)
    ends = [body["data"]["ended"] for body in hook.bodies if body["data"]["ended"]]
    assert [{each["condition"] for each in end} for end in ends] == [
        {"pool_down", "real_server_failed"}
    ]
    assert any("BEGAN receiver_failed closed" in text for text in scene.texts())
    # The test command reports each receiver, and fails for the closed port.
    assert main(["alerts", "test", "--socket", scene.socket]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "hook: the message was accepted",
        "closed: Connection refused",
        "mail: the message was accepted",
    ]
    assert hook.bodies[-1]["type"] == "hadirector.test"
    assert main(["alerts", "test", "hook", "--socket", scene.socket]) == 0
    with pytest.raises(ApiError, match="did you mean mail"):
        request(scene.socket, "POST", "/v1/alerts/test", {"receiver": "mial"})
