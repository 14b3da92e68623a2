"""Where a director answers: a Unix socket of this host, or a URL, and the connections to both."""

from __future__ import annotations

import http.client
import ipaddress
import os
import socket
import stat
import struct
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

HTTPS: Final = "https"
TOKEN_BYTES_MAX: Final = 4096
_SCHEMES: Final = ("http", HTTPS)


class EndpointError(Exception):
    """The URL, the token file or the CA file cannot be used. The message is the reason."""


class Remote(NamedTuple):
    """A director that listens at a URL (``api.listen``).

    ``token_file`` has the token of the client. ``ca_file`` has the certificates of the authorities
    that may sign the certificate of the director; without it the host decides.
    """

    url: str
    token_file: str | None = None
    ca_file: str | None = None

    def __str__(self) -> str:
        return self.url

    @property
    def parts(self) -> SplitResult:
        """The parts of the URL."""
        return urlsplit(self.url)


Endpoint = str | Remote
"""The path of a Unix socket, or a remote director."""


def check_remote(remote: Remote) -> None:
    """Raise EndpointError unless the URL can be used. A token is never sent in clear text."""
    try:
        parts = remote.parts
        port = parts.port
    except ValueError as error:
        raise EndpointError(f"{remote.url}: {error} (expected https://HOST:PORT)") from error
    if parts.scheme not in _SCHEMES or not parts.hostname or port == 0:
        raise EndpointError(f"{remote.url}: expected https://HOST:PORT")
    if parts.username is not None or parts.query or parts.fragment:
        raise EndpointError(f"{remote.url}: expected https://HOST:PORT without anything else")
    if parts.scheme != HTTPS and not _is_loopback(parts.hostname):
        raise EndpointError(f"{remote.url}: http is only for this host (expected https)")


def read_token(path: str) -> str:
    """Return the token in a file. Raises EndpointError. The message never has the token."""
    try:
        with Path(path).open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read(TOKEN_BYTES_MAX + 1)
    except OSError as error:
        raise EndpointError(f"{path}: {error.strerror}") from error
    if mode & 0o007:
        raise EndpointError(f"{path}: every user may read or write it (run: chmod 600 {path})")
    if len(content) > TOKEN_BYTES_MAX:
        raise EndpointError(f"{path}: more than {TOKEN_BYTES_MAX} bytes (expected a token)")
    token = content.strip()
    if not token or not all(0x21 <= byte <= 0x7E for byte in token):
        raise EndpointError(f"{path}: expected one token, in one line, of printable characters")
    return token.decode("ascii")


def open_connection(endpoint: Endpoint, timeout: float) -> http.client.HTTPConnection:
    """Return a connection that is not connected yet. Raises EndpointError."""
    if isinstance(endpoint, str):
        return _UnixConnection(endpoint, timeout)
    check_remote(endpoint)
    parts = endpoint.parts
    host = parts.hostname
    assert host is not None, "check_remote refuses a URL without a host"
    if parts.scheme != HTTPS:
        return http.client.HTTPConnection(host, parts.port, timeout=timeout)
    import ssl

    try:
        context = ssl.create_default_context(cafile=endpoint.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise EndpointError(f"{endpoint.ca_file}: {error.strerror or error}") from error
    return http.client.HTTPSConnection(host, parts.port, timeout=timeout, context=context)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("director", timeout=timeout)
        self._path = path
        self._seconds = timeout

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # If many clients wait for the director, connect(2) waits for as long as send(2) may. With
        # a timeout of Python it would fail at once.
        seconds, rest = divmod(self._seconds, 1)
        patience = struct.pack("@ll", int(seconds), int(rest * 1e6))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
        self.sock.connect(self._path)
        self.sock.settimeout(self._seconds)
