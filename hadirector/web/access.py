"""Decides who a client is: by its token, its certificate, or the cookie of its login."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from typing import Final, NamedTuple

from hadirector.api.problems import Code, ProblemError
from hadirector.model.web import CertificateClient, Role, WebSettings
from hadirector.web.limits import FailedLogins
from hadirector.web.sessions import SESSION_SECONDS, Sessions
from hadirector.web.tokens import Token, digest_of, find_token

TOKEN_CHARACTERS_MAX: Final = 256
_SCHEME: Final = "bearer "


class Client(NamedTuple):
    """The sender of a request: the proven name, the role, and the objects that it may change.

    ``by_cookie`` is whether a browser proves it on its own, also for a request of another site.
    """

    name: str
    role: Role
    only: str | None = None
    by_cookie: bool = False


class Now(NamedTuple):
    """The current time: monotonic in seconds, and in UTC."""

    monotonic: float
    utc: datetime


class Proof(NamedTuple):
    """The proof of a client. ``names`` are the names in its certificate."""

    address: str
    names: Sequence[str]
    headers: Mapping[str, str]


ANYBODY: Final = Client("anybody", "read")
"""A client of a loopback address for which no tokens are configured."""


class Access:
    """The known tokens, certificates and logins."""

    def __init__(self) -> None:
        self._settings: WebSettings | None = None
        self._tokens: tuple[Token, ...] = ()
        self._clients: dict[str, CertificateClient] = {}
        self._sessions = Sessions()
        self._failures = FailedLogins()

    def configure(self, settings: WebSettings, tokens: tuple[Token, ...]) -> None:
        """Accept these tokens, and the certificates in the settings, from now on."""
        self._settings = settings
        self._tokens = tokens
        clients = () if settings.tls is None else settings.tls.clients
        self._clients = {client.name: client for client in clients}

    @property
    def cookie_name(self) -> str:
        """The name of the cookie. The prefix binds it to this host and to TLS (RFC 6265bis)."""
        secure = self._settings is not None and self._settings.tls is not None
        return "__Host-hadirector" if secure else "hadirector"

    def identify(self, proof: Proof, now: Now) -> Client | None:
        """Return who a client is, or None if it proves nothing. Raises ProblemError."""
        if (authorization := proof.headers.get("Authorization")) is not None:
            return self._by_token(_read_bearer(authorization), proof.address, now)
        if (value := self.read_cookie(proof.headers)) and (found := self._by_cookie(value, now)):
            return found
        for name in proof.names:
            if (client := self._clients.get(name)) is not None:
                return Client(f"certificate:{name}", client.role, client.only)
        settings = self._settings
        if settings is not None and settings.tokens_file is None and settings.tls is None:
            return ANYBODY
        return None

    def log_in(self, token: str, address: str, now: Now) -> tuple[Client, str]:
        """Begin a login; return the client and the header Set-Cookie. Raises ProblemError."""
        client = self._by_token(token, address, now)
        value = secrets.token_urlsafe(32)
        self._sessions.add(value, digest_of(token), now.monotonic)
        return client, self._format_cookie(value, SESSION_SECONDS)

    def log_out(self, headers: Mapping[str, str]) -> str:
        """End a login; return the header Set-Cookie that removes the cookie."""
        self._sessions.end(self.read_cookie(headers))
        return self._format_cookie("", 0)

    def read_cookie(self, headers: Mapping[str, str]) -> str:
        """Return the value of our cookie; empty without one."""
        try:
            morsel = SimpleCookie(headers.get("Cookie", "")).get(self.cookie_name)
        except CookieError:
            return ""
        return "" if morsel is None else morsel.value

    def _by_token(self, presented: str, address: str, now: Now) -> Client:
        if pause := self._failures.pause(address, now.monotonic):
            raise ProblemError(
                Code.TOO_MANY,
                f"logins from {address} have failed too often",
                headers={"Retry-After": str(int(pause) + 1)},
            )
        token = find_token(self._tokens, presented)
        if token is None or not token.is_valid(now.utc):
            self._failures.note(address, now.monotonic)
            expired = "" if token is None else f": the token {token.name} has expired"
            raise refusal(f"no known token proves the identity{expired}")
        self._failures.forget(address)
        return Client(f"token:{token.name}", token.role, token.only)

    def _by_cookie(self, value: str, now: Now) -> Client | None:
        digest = self._sessions.find(value, now.monotonic)
        for token in self._tokens:
            if token.digest == digest and token.is_valid(now.utc):
                return Client(f"token:{token.name}", token.role, token.only, by_cookie=True)
        return None

    def _format_cookie(self, value: str, seconds: float) -> str:
        secure = "; Secure" if self.cookie_name.startswith("__Host-") else ""
        return (
            f"{self.cookie_name}={value}; Path=/; Max-Age={seconds:.0f}; HttpOnly;"
            f" SameSite=Strict{secure}"
        )


def refusal(detail: str) -> ProblemError:
    """Return the problem of a request without a valid identity, with the reason ``detail``."""
    headers = {"WWW-Authenticate": 'Bearer realm="hadirector"'}
    return ProblemError(Code.UNAUTHENTICATED, detail, headers=headers)


def _read_bearer(authorization: str) -> str:
    token = authorization[len(_SCHEME) :].strip()
    if not authorization.lower().startswith(_SCHEME) or len(token) > TOKEN_CHARACTERS_MAX:
        raise refusal("the header Authorization has no token (expected Bearer TOKEN)")
    return token
