"""A client of the API of a director, for the modules of this collection.

It uses only the standard library, because it runs with the Python of the managed host.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import os
import socket
import ssl
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

REQUEST_SECONDS: Final = 30.0


class ApiError(Exception):
    """The director cannot be reached, or it refused a request. The message is the reason.

    ``status`` is the status of the answer, None without an answer.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class UnixConnection(http.client.HTTPConnection):
    """An HTTP connection to a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("director", timeout=REQUEST_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(REQUEST_SECONDS)
        self.sock.connect(self._path)


class Director:
    """The API of a director, at a Unix socket of this host or at a URL."""

    def __init__(self, path: str, url: str | None, token: str | None, ca_file: str | None) -> None:
        self._path, self._url, self._ca_file = path, url, ca_file
        self._headers = {"Content-Type": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token.strip()}"
        if user := os.environ.get("SUDO_USER"):
            self._headers["Hadirector-Claimed"] = f"sudo:{user}"

    def request(self, method: str, route: str, body: Mapping[str, object] | None = None) -> Any:
        """Send one request, and return the JSON answer. Raises ApiError."""
        content = None if body is None else json.dumps(body)
        connection = self._open()
        prefix = "" if self._url is None else urlsplit(self._url).path.rstrip("/")
        try:
            connection.request(method, prefix + route, content, self._headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or error
            place = self._url or self._path
            raise ApiError(f"no director answers at {place}: {reason}") from error
        finally:
            connection.close()
        if response.status >= http.client.MULTIPLE_CHOICES:
            raise ApiError(_read_problem(response.status, answer), response.status)
        return json.loads(answer)

    def _open(self) -> http.client.HTTPConnection:
        """Return a connection that is not connected yet. Raises ApiError."""
        if self._url is None:
            return UnixConnection(self._path)
        try:
            parts = urlsplit(self._url)
            port = parts.port
        except ValueError as error:
            raise ApiError(f"api: {self._url}: {error} (expected https://HOST:PORT)") from error
        host = parts.hostname
        if parts.scheme not in ("http", "https") or not host:
            raise ApiError(f"api: {self._url}: expected https://HOST:PORT")
        if parts.scheme == "http":
            if not _is_loopback(host):
                raise ApiError(f"api: {self._url}: http is only for this host (expected https)")
            return http.client.HTTPConnection(host, port, timeout=REQUEST_SECONDS)
        try:
            context = ssl.create_default_context(cafile=self._ca_file)
        except OSError as error:
            raise ApiError(f"ca_file: {self._ca_file}: {error.strerror or error}") from error
        return http.client.HTTPSConnection(host, port, timeout=REQUEST_SECONDS, context=context)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_problem(status: int, answer: bytes) -> str:
    """Return the reason of a refusal (RFC 9457)."""
    try:
        return str(json.loads(answer)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP status {status}"
