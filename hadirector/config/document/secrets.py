"""Decides which values of a file are secret, so that no message shows them. Pure.

A message about a faulty value goes to terminals, to the log and into ``events.json``. The value of
a secret key may be a secret even if its form is wrong.
"""

from __future__ import annotations

import re
from types import NoneType
from typing import Final

from hadirector.config.document.errors import quote

Path = tuple[str | int, ...]

SECRET_KEYS: Final = frozenset(
    {"password", "secret", "token", "body", "send", "headers", "webhook"}
)
"""Keys whose whole value is secret."""
SECRET_SECTIONS: Final = frozenset({"authentication", "auth_hmac"})
"""Sections with secrets: a single value in the place of the section may be one of them."""
HIDDEN: Final = "a value that is not shown"

_WORD = re.compile(r"[\w<-]*", re.ASCII)


def public_path(path: Path) -> Path:
    """Return a path, cut after the first secret key."""
    end = next((index for index, step in enumerate(path) if step in SECRET_KEYS), len(path))
    return path[: end + 1]


def is_secret(path: Path) -> bool:
    """Return whether a value belongs to a secret key, or to a mapping or list of a secret key."""
    return not SECRET_KEYS.isdisjoint(path)


def quote_value(path: Path, value: object, *, container_expected: bool = False) -> str:
    """Quote a value from a file, unless it may be secret.

    With ``container_expected``, a mapping or list belongs there. A single value may then be the
    content of a secret key below it.
    """
    secret = is_secret(path) or (container_expected and not SECRET_SECTIONS.isdisjoint(path))
    return HIDDEN if secret and not isinstance(value, dict | list | NoneType) else quote(value)


def quote_key(key: str) -> str:
    """Quote an unknown key, up to the first character that no key has.

    In ``password:abc``, where the blank after the colon is missing, the whole text is the key.
    It must not be shown.
    """
    word = _WORD.match(key)
    assert word is not None, "the pattern matches an empty text"
    shown = word.group()
    return quote(key) if shown == key else quote(shown) + "…"
