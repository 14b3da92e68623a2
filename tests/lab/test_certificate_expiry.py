"""A certificate that expires soon is an event, a line of the log, and a metric."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from hadirector.api.client import ApiError, request
from hadirector.cli import main
from tests.lab.loopback import RunningDirector
from tests.lab.probes import certificates
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(60)

DAY_SECONDS = 86400
CONFIGURATION = """\
director:
  name: lb1
  dataplane: dry-run
  runtime_directory: {directory}/run
virtual_servers:
  - name: shop
    address: 192.0.2.1:443
    scheduler: rr
    check: {{type: tls, interval: 200ms, timeout: 200ms, tls_verify: true, tls_ca_file: {ca}}}
    real_servers: [{{address: "127.0.0.1:{port}"}}]
"""


class TlsServer:
    """Accepts TLS connections on a free port. Its certificate can be replaced."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with suppress(OSError), self.context.wrap_socket(connection, server_side=True) as tls:
                tls.settimeout(2.0)
                tls.recv(1)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def authority(tmp_path: Path) -> certificates.Authority:
    return certificates.made_in(tmp_path)


def metrics(director: RunningDirector) -> list[str]:
    with suppress(ApiError):
        answer = request(f"{director.directory}/run/api.sock", "GET", "/metrics")
        name = "hadirector_real_server_certificate_expiry_timestamp_seconds{"
        return [line for line in answer.decode().splitlines() if line.startswith(name)]
    return []


def test_a_certificate_that_expires_soon_is_told_everywhere_until_it_is_replaced(
    authority: certificates.Authority, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = TlsServer(authority.server("soon", certificates.GOOD_NAMES, days=3))
    directory = tmp_path / "director"
    director = RunningDirector(
        directory,
        CONFIGURATION.format(directory=directory, ca=authority.file, port=server.port),
    )
    try:
        eventually(lambda: "target_warning_raised" in director.log, 20.0, "the warning")
        [line] = [line for line in director.log.splitlines() if "target_warning_raised" in line]
        assert '"level": "warning"' in line
        assert '"virtual_servers": ["shop"]' in line
        eventually(lambda: len(metrics(director)), 10.0, "the metric", expected=1)
        expires_at = float(metrics(director)[0].rpartition(" ")[2])
        left = expires_at - time.clock_gettime(time.CLOCK_REALTIME)
        assert 2 * DAY_SECONDS < left < 4 * DAY_SECONDS
        server.context = authority.server("fresh", certificates.GOOD_NAMES, days=90)
        eventually(lambda: "target_warning_ended" in director.log, 20.0, "the end")
        assert main(["events", "--socket", f"{directory}/run/api.sock"]) == 0
        told = capsys.readouterr().out
        place = f"virtual_servers=[shop] address=127.0.0.1 port={server.port}"
        assert f'target_warning_raised  {place} warning="the certificate expires in 2 days' in told
        assert f"target_warning_ended  {place}\n" in told
    finally:
        server.close()
        director.end()
