"""The URL of a server that an access token belongs to: a key beside it names the file with it."""

from __future__ import annotations

import re
from typing import Annotated, Final

from hadirector.config.keys.key import Key
from hadirector.config.keys.names import FilePath
from hadirector.config.keys.readers import (
    TEXT,
    Reader,
    expectation_error,
    hidden_expectation_error,
)

_PATTERN: Final = r"https?://[!-~]{1,990}"
_FORM: Final = "a URL with http:// or https://"
_WITHOUT_USER: Final = (
    f"{_FORM}, without a user name and a password; token_file can name a file with a token"
)
_USER: Final = re.compile(r"(?:[^/?#]*//)?[^/?#]*@")
"""The beginning of a URL with a user name (RFC 3986, section 3.2.1). The scheme may be wrong."""


def _read(value: object) -> str:
    """Read a URL. Messages and the status show it, so it must not have a password."""
    if isinstance(value, str) and _USER.match(value):
        raise hidden_expectation_error(_WITHOUT_USER)
    if not isinstance(value, str) or not re.fullmatch(_PATTERN, value):
        raise expectation_error(_FORM)
    return value


URL: Final = Reader(_read, "URL", {**TEXT, "pattern": f"^(?:{_PATTERN})$"})
TrustedFile = Annotated[
    FilePath | None,
    Key(
        "With `https://`: the certificates (PEM) that are trusted.",
        default="the trusted certificates of the host",
    ),
]
"""The type of the key ``ca_file`` beside a URL."""
