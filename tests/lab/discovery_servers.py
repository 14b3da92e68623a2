"""A real bind9 whose zone changes by DNS updates, and a real nginx with a document."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.lab.loopback import free_ports
from tests.waiting import eventually

NAMED = """\
options {{ directory "{directory}"; pid-file none; session-keyfile "{directory}/session.key";
  listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no;
  dnssec-validation no; }};
controls {{ }};
zone "lab.example" {{ type primary; file "zone"; allow-update {{ 127.0.0.1; }}; }};
"""
ZONE = """\
$TTL 1
@ SOA ns hostmaster 1 3600 600 86400 1
@ NS ns
ns A 127.0.0.1
"""
NGINX = """\
daemon off; master_process off; error_log {directory}/nginx.log; pid {directory}/nginx.pid;
events {{ }}
http {{
  access_log {directory}/access.log;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi; uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  server {{ listen 127.0.0.1:{port}; root {directory}; }}
}}
"""


class NameServer:
    """A running bind9 for the zone ``lab.example``, with TTLs of 1 s."""

    def __init__(self, port: int) -> None:
        self.port = port

    def update(self, *lines: str) -> None:
        """Change records with nsupdate, for example ``add web 1 A 192.0.2.1``."""
        text = f"server 127.0.0.1 {self.port}\nzone lab.example\n"
        text += "".join(f"update {line}\n" for line in lines) + "send\n"
        subprocess.run(["nsupdate"], input=text.encode(), check=True, timeout=10)


@contextlib.contextmanager
def running_name_server(directory: Path) -> Iterator[NameServer]:
    """Yield a running bind9."""
    directory.mkdir()
    [port] = free_ports(1)
    (directory / "named.conf").write_text(NAMED.format(directory=directory, port=port))
    (directory / "zone").write_text(ZONE)
    with _running([_program("named"), "-g", "-c", str(directory / "named.conf")], directory, port):
        yield NameServer(port)


@contextlib.contextmanager
def running_nginx(directory: Path) -> Iterator[str]:
    """Yield the URL of a running nginx that serves the directory."""
    directory.mkdir()
    [port] = free_ports(1)
    (directory / "nginx.conf").write_text(NGINX.format(directory=directory, port=port))
    with _running([_program("nginx"), "-c", str(directory / "nginx.conf")], directory, port):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def _running(command: list[str], directory: Path, port: int) -> Iterator[None]:
    with (directory / "output.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        eventually(lambda: _listens(port), 20.0, command[0])
        yield
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
        return True
    return False


def _program(name: str) -> str:
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    assert found is not None, f"{name} is not installed"
    return found
