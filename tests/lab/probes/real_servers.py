"""Real servers from Debian packages, each in its own folder on a free port of loopback."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.lab.probes.certificates import Authority
from tests.lab.probes.processes import server, unprivileged

NOBODY = 65534  # nobody, and its group nogroup

_NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} {how};
        {certificate}
        location / {{ return 200 "$request_method ready\\n"; }}
        location /json {{ return 200 '{{"services": [{{"up": true, "load": 0.5}}]}}'; }}
        location /old {{ return 302 /json; }}
        location /away {{ return 302 http://192.0.2.1/; }}
        location /large {{ root {folder}; }}
        location /down {{ return 503; }}
        location /private {{
            auth_basic "probes"; auth_basic_user_file {folder}/users; try_files /none @in;
        }}
        location @in {{ return 200 "in\\n"; }}
    }}
}}
"""

_EXIM = """
exim_user = {user}
exim_group = {group}
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
pid_file_path = {folder}/pid
primary_hostname = mx.example
local_interfaces = 127.0.0.1
host_lookup =
helo_lookup_domains =
tls_advertise_hosts = *
tls_certificate = {certificate}
tls_privatekey = {key}
begin acl
begin routers
begin transports
"""


@contextlib.contextmanager
def nginx(
    folder: Path, how: str = "", authority: Authority | None = None, more: str = ""
) -> Iterator[int]:
    """A web server with listen options such as "ssl http2". The password of alice is sesame.

    ``more`` are further directives.
    """
    certificate = ""
    if authority is not None:
        key, certified = files_of(authority)
        certificate = f"ssl_certificate {certified}; ssl_certificate_key {key};"
    (folder / "users").write_text("alice:{PLAIN}sesame\n")
    (folder / "large").write_text("x" * 65_530 + "needle" + "x" * 30_000)
    unprivileged(folder)

    def command(port: int) -> list[str]:
        text = _NGINX.format(folder=folder, port=port, how=how, certificate=certificate + more)
        (folder / "conf").write_text(text)
        return ["/usr/sbin/nginx", "-e", "stderr", "-c", str(folder / "conf")]

    with server(command) as port:
        yield port


@contextlib.contextmanager
def exim(folder: Path, authority: Authority) -> Iterator[int]:
    """A mail server that offers STARTTLS and accepts no mail."""
    key, certificate = (folder / file.name for file in files_of(authority))
    for mine, theirs in zip((key, certificate), files_of(authority), strict=True):
        mine.write_bytes(theirs.read_bytes())
    configuration = folder / "conf"
    user, group = (NOBODY, NOBODY) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    configuration.write_text(
        _EXIM.format(folder=folder, user=user, group=group, key=key, certificate=certificate)
    )
    unprivileged(folder)
    program = ["/usr/sbin/exim4", "-C", str(configuration), "-bdf", "-oX"]
    with server(lambda port: [*as_nobody(), *program, str(port)]) as port:
        yield port


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[int]:
    """A database server for the user watcher with a password, and at most four connections."""
    (programs,) = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]
    data = folder / "data"
    unprivileged(folder)
    # -N: the files of a test need not survive a power failure.
    made = [str(programs / "initdb"), "-D", str(data), "-N", "-U", "owner", "--no-locale"]
    subprocess.run([*as_nobody(), *made], capture_output=True, check=True, timeout=60)
    (data / "pg_hba.conf").write_text(
        "host all watcher 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 reject\n"
    )
    settings = ("listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", "fsync=off")
    few = ("max_connections=4", "superuser_reserved_connections=0", "max_wal_senders=0")
    options = [word for setting in (*settings, *few) for word in ("-c", setting)]
    program = [*as_nobody(), str(programs / "postgres"), "-D", str(data), *options]
    with server(lambda port: [*program, "-p", str(port)]) as port:
        yield port


def files_of(authority: Authority) -> tuple[Path, Path]:
    """The key and the certificate of a server with GOOD_NAMES."""
    return authority.folder / "good.key", authority.folder / "good.pem"


def as_nobody() -> list[str]:
    """The prefix of a command that refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
