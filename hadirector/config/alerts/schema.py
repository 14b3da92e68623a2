"""The keys of a receiver of alerts."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlsplit

from checks.script_runner.search_path import find_on_path
from hadirector.config.keys.key import Key
from hadirector.config.keys.names import Argument, FilePath, Name, UserName
from hadirector.config.keys.readers import (
    Reader,
    choice,
    duration,
    hidden_expectation_error,
    text,
)
from hadirector.config.keys.section import Section
from hadirector.model.alerts import CONDITIONS, Condition

URL_CHARACTERS_MAX: Final = 2048
_FORM: Final = "a URL such as https://alerts.example.net/hook, without a user name"

Recipient = Annotated[
    str,
    text(
        r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}(?:@[A-Za-z0-9.-]{1,253})?",
        "an address of e-mail",
        "address of e-mail",
    ),
]


def _read_url(value: object) -> str:
    """Read the URL of a webhook. A message never shows it, because it may have a secret."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise hidden_expectation_error(_FORM)
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise hidden_expectation_error(_FORM) from None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or " " in value:
        raise hidden_expectation_error(_FORM)
    if len(value) > URL_CHARACTERS_MAX:
        raise hidden_expectation_error(f"a URL of at most {URL_CHARACTERS_MAX} characters")
    return value


class AlertSection(Section):
    """A receiver of alerts: a webhook or a command."""

    name: Annotated[
        Name | None,
        Key(
            "The name of the receiver.",
            default="the host in the URL, or the name of the program",
        ),
    ] = None
    webhook: Annotated[
        str | None,
        Reader(_read_url, "URL with `http` or `https`"),
        Key(
            "The URL that gets each message by POST, as JSON. It counts as secret.",
            default="one of `webhook` and `command` is required",
        ),
    ] = None
    secret_file: Annotated[
        FilePath | None,
        Key(
            "The file with the key of the [signature](alerts.md#webhooks): `whsec_` and 24 to 64"
            " bytes in base64.",
            default="no signature",
        ),
    ] = None
    command: Annotated[
        list[Argument] | None,
        Key(
            "A program with its arguments, which reads each message from its standard input. The"
            " program is an absolute path, or a name in a directory of PATH.",
            type="list of texts",
            default="one of `webhook` and `command` is required",
        ),
    ] = None
    to: Annotated[
        list[Recipient],
        Key(
            "The recipients. With them, the message for the command is an e-mail, as"
            " `sendmail -t` expects it.",
            default="the message is JSON",
        ),
    ] = []
    user: Annotated[UserName | None, Key("The user that runs the command.", default="`nobody`")] = (
        None
    )
    group: Annotated[
        UserName | None,
        Key(
            "The group that runs the command.",
            type="name of a group",
            default="the primary group of the user",
        ),
    ] = None
    on: Annotated[
        list[Annotated[Condition, choice(CONDITIONS)]] | None,
        Key(
            "The [conditions](#conditions-of-alerts) that the receiver is informed of.",
            type="list of conditions",
            default="all faults, and `failover`",
        ),
    ] = None
    timeout: Annotated[
        float, duration("1s", "1m"), Key("An attempt to deliver a message ends after this time.")
    ] = 10.0

    @property
    def title(self) -> str:
        """The name of the receiver; empty if it cannot be derived."""
        if self.name is not None:
            return self.name
        if self.webhook is not None:
            return urlsplit(self.webhook).hostname or ""
        return self.command[0].rpartition("/")[2] if self.command else ""

    @property
    def program(self) -> str:
        """The path of the program; the bare name if no directory of PATH has it."""
        return find_on_path(self.command[0]) if self.command else ""
