"""The tokens of clients, and the file with their hashes. Pure.

A line of the file is ``NAME ROLE SHA256 [EXPIRES|-] [PATTERN]``. The token itself is not stored. A
token has 256 random bits, so a plain hash of it cannot be reversed by trying.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from hadirector.model.web import ROLES, Role

PREFIX: Final = "hadirector_"
"""Tools that search for leaked secrets find tokens by their prefix."""
RANDOM_BYTES: Final = 32
TOKENS_MAX: Final = 1000
NAME: Final = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
PATTERN: Final = re.compile(r"[A-Za-z0-9_.:@\[\]*?/-]{1,129}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_NEVER: Final = "-"
_HEADER: Final = "# NAME ROLE SHA256 [EXPIRES|-] [PATTERN]; made by `hadirector token add`\n"


class Token(NamedTuple):
    """A token of a client. ``expires`` is in UTC; None means never.

    ``only`` is the pattern of the objects that it may change; None means all objects.
    """

    name: str
    role: Role
    digest: str
    expires: datetime | None = None
    only: str | None = None

    def is_valid(self, now: datetime) -> bool:
        """Return whether the token has not expired."""
        return self.expires is None or now < self.expires


class TokensFile(NamedTuple):
    """The tokens of a file, and a fault for each faulty line."""

    tokens: tuple[Token, ...]
    faults: tuple[str, ...]


def digest_of(token: str) -> str:
    """Return the hash of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def find_token(tokens: Iterable[Token], presented: str) -> Token | None:
    """Return the token that a client presents. The time does not depend on how much is right."""
    digest = digest_of(presented)
    found = None
    for token in tokens:
        if hmac.compare_digest(token.digest, digest):
            found = token
    return found


def parse_tokens(content: bytes) -> TokensFile:
    """Return the tokens of a file. A faulty line gives no access."""
    tokens: list[Token] = []
    faults: list[str] = []
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _parse_line(line)
        if isinstance(found, str):
            faults.append(f"line {number}: {found}")
        elif len(tokens) == TOKENS_MAX:
            faults.append(f"line {number}: there are more than {TOKENS_MAX} tokens")
            break
        else:
            tokens.append(found)
    return TokensFile(tuple(tokens), tuple(faults))


def format_tokens(tokens: Iterable[Token]) -> bytes:
    """Return the content of a file with these tokens."""
    return (_HEADER + "".join(_format_line(token) for token in tokens)).encode()


def format_time(moment: datetime) -> str:
    """Return a time in UTC, as in RFC 3339."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _format_line(token: Token) -> str:
    expires = _NEVER if token.expires is None else format_time(token.expires)
    words = [token.name, token.role, token.digest, expires]
    return " ".join([*words, token.only] if token.only else words) + "\n"


def _parse_line(line: str) -> Token | str:
    """Return the token of a line, or its fault. A fault does not show the line: it is a secret."""
    words = line.split()
    if not 3 <= len(words) <= 5:
        return f"expected NAME ROLE SHA256 [EXPIRES|-] [PATTERN] (got {len(words)} words)"
    name, role, digest, expires, only = *words, *(_NEVER, "*")[len(words) - 3 :]
    known = next((each for each in ROLES if each == role), None)
    expectations = (
        (NAME.fullmatch(name), "a name of letters, digits and _.@-"),
        (known, f"one of the roles {', '.join(ROLES)}"),
        (_DIGEST.fullmatch(digest), "a SHA-256 of 64 hexadecimal digits"),
        (expires == _NEVER or _parse_time(expires), "a time such as 2030-01-31T12:00:00Z"),
        (PATTERN.fullmatch(only), "a pattern of names, such as web/*"),
    )
    for met, expected in expectations:
        if not met:
            return f"expected {expected}"
    assert known is not None
    limited = only if len(words) == 5 else None
    return Token(name, known, digest, _parse_time(expires), limited)


def _parse_time(text: str) -> datetime | None:
    """Return a time; None if the text has another form."""
    try:
        # strptime would import a module, which a process without rights may not be able to read.
        return datetime.fromisoformat(text) if _TIME.fullmatch(text) else None
    except ValueError:
        return None
