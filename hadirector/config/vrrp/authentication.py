"""The keys that authenticate advertisements, and their rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from hadirector.config.document.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.keys.key import Key
from hadirector.config.keys.readers import (
    Reader,
    choice,
    duration,
    hidden_expectation_error,
    integer,
)
from hadirector.config.keys.section import Section
from hadirector.config.vrrp.key_file import KEY_FILE
from vrrp.model.configuration import HmacKey, HmacMode, PassAuthentication, Secret

if TYPE_CHECKING:
    from hadirector.config.vrrp.schema import VrrpSection


def _read_password(value: object) -> Secret:
    if not isinstance(value, str) or not re.fullmatch(r"[\x21-\x7e]{1,8}", value):
        raise hidden_expectation_error(
            "1 to 8 visible ASCII characters, in quotes; no more are sent"
        )
    return Secret(value.encode())


PASSWORD = Reader(_read_password, "1 to 8 visible ASCII characters")


class AuthenticationSection(Section):
    """The password of VRRP version 2."""

    model = PassAuthentication

    type: Annotated[
        Literal["pass"],
        choice(("pass",)),
        Key("Type 1 of RFC 2338, which is `auth_type PASS` in keepalived."),
    ]
    password: Annotated[
        Secret,
        PASSWORD,
        Key(
            "The password. It is the same on every director of the group. keepalived sends only the"
            " first 8 characters of a longer `auth_pass`: write those."
        ),
    ]


class KeySection(Section):
    """A key of auth_hmac. ``file`` is the content of the key file."""

    model = HmacKey

    id: Annotated[
        int,
        integer(0, 255),
        Key(
            "The id of the key in advertisements. It is the same on every director.",
            field="key_id",
        ),
    ]
    file: Annotated[
        Secret,
        KEY_FILE,
        Key(
            "The file with the key: 32 to 64 bytes, or `hex:` and twice as many hexadecimal digits."
            " Line feeds and carriage returns at the end are not part of the key. Other users must"
            " have no access to the file (`chmod o=`). To make a key:"
            ' `(umask 077; echo "hex:$(openssl rand -hex 32)"'
            " >/etc/hadirector/keys/7)`. The file is read at a start and at a reload.",
            field="secret",
        ),
    ]


class AuthHmacSection(Section):
    """The authentication by auth_hmac, the HMAC trailer of keepalived."""

    mode: Annotated[
        HmacMode,
        choice(("receive_only", "permissive", "enforce")),
        Key(
            "`enforce` drops advertisements that are not authentic. The other modes accept an"
            " advertisement without a trailer and count it as `tolerated_hmac_missing`; a trailer"
            " must be valid. `receive_only` does not send an HMAC yet."
        ),
    ] = "enforce"
    send_key: Annotated[
        int, integer(0, 255), Key("The id of the key that signs the advertisements.")
    ]
    window: Annotated[
        Annotated[float, duration("1s", "300s")] | None,
        Key(
            "How far the clock of the sender may be from the clock of this host, in both"
            " directions.",
            default="3 x `advert_interval`, at least `5s`",
        ),
    ] = None
    keys: Annotated[
        list[KeySection],
        Key(
            "The keys that are accepted. There are several while a key is being changed.",
            type="list of [keys](#keys)",
        ),
    ]


def authentication_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    """Yield the contradictions between the version, the password and the HMAC keys."""
    hmac = instance.auth_hmac
    if instance.authentication is not None:
        if instance.version == 3:
            message = "version 3 has no passwords; use auth_hmac"
            yield Finding((*path, "authentication"), message)
        elif hmac is not None:
            message = "auth_hmac replaces the password; leave the password out"
            yield Finding((*path, "authentication"), message)
    if hmac is None:
        return
    path = (*path, "auth_hmac")
    yield from duplicates(
        Claim((*path, "keys", index, "id"), key.id, f"key id {key.id}")
        for index, key in enumerate(hmac.keys)
    )
    ids = [key.id for key in hmac.keys]
    if hmac.send_key not in ids:
        known = f"the id of one of the keys: {', '.join(map(str, ids)) or 'there are no keys'}"
        yield Finding((*path, "send_key"), wrong(str(hmac.send_key), known))
