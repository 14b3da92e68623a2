"""Translates the password of VRRP version 2, and the keys of auth_hmac."""

from __future__ import annotations

from typing import Final

from hadirector.config.document.errors import quote
from hadirector.config.keepalived.keywords.vrrp_instance import AUTH_HMAC, AUTHENTICATION
from hadirector.config.keepalived.node import Node, mapping, scalar, sequence
from hadirector.config.keepalived.syntax.statement import Statement
from hadirector.config.keepalived.translate.block import Block
from hadirector.config.keepalived.translate.vrrp.facts import Facts
from hadirector.config.keepalived.translate.vrrp.values import duration_node, whole_node

PASSWORD_BYTES: Final = 8
_MODES: Final = {
    "enforce": "enforce",
    "permissive": "permissive",
    "receive-only": "receive_only",
}


def authentication_keys(facts: Facts) -> dict[str, Node | None]:
    """Return the keys that authenticate advertisements."""
    hmac = facts.block.last("auth_hmac")
    password = facts.block.last("authentication")
    return {
        "authentication": _password(facts, password) if password is not None else None,
        "auth_hmac": _hmac(facts, hmac) if hmac is not None else None,
    }


def _password(facts: Facts, statement: Statement) -> Node | None:
    inner = facts.block.inner(statement, AUTHENTICATION, facts.options)
    kind, password = inner.word("auth_type"), inner.word("auth_pass")
    void = _void(facts)
    if void is not None:
        message = f"authentication is left out: {void}, and keepalived ignores it too"
        facts.block.note("authentication", statement.keyword.place, message)
        return None
    if kind is not None and kind.text == "AH":
        inner.fault(
            kind.place,
            "auth_type: the current RFC of VRRP does not define AH; use auth_hmac on all directors",
        )
        return None
    if kind is None or password is None or not password.text:
        message = "authentication is left out: it has no type or no password, as in keepalived"
        facts.block.note("authentication", statement.keyword.place, message)
        return None
    if kind.text != "PASS":
        expected = f"wrong value {quote(kind.text)} (expected PASS)"
        inner.fault(kind.place, f"auth_type: {expected}")
        return None
    text = password.text.encode()
    if len(text) > PASSWORD_BYTES:
        message = "auth_pass: only the first 8 bytes are used, as in keepalived"
        inner.note("auth_pass", password.place, message)
    cut = text[:PASSWORD_BYTES].decode(errors="replace")
    found = inner.last("auth_pass")
    key = found.keyword.place if found is not None else None
    return mapping(
        statement.keyword.place,
        {"type": scalar("pass", kind.place), "password": scalar(cut, password.place, key)},
    )


def _void(facts: Facts) -> str | None:
    """Return why a password has no effect; None if it has an effect."""
    if facts.strict:
        return "strict mode has no passwords"
    if facts.version == 3:
        return "version 3 has no passwords"
    if facts.block.last("auth_hmac") is not None:
        return "auth_hmac replaces the password"
    return None


def _hmac(facts: Facts, statement: Statement) -> Node:
    inner = facts.block.inner(statement, AUTH_HMAC, facts.options)
    send, window = inner.last("active_key"), inner.last("time_window")
    replay = inner.word("anti_replay")
    if replay is not None and replay.text != "time":
        message = "anti_replay: hadirector supports only the mode time (write anti_replay time)"
        inner.fault(replay.place, message)
    return mapping(
        statement.keyword.place,
        {
            "mode": _mode(inner),
            "send_key": whole_node(send.arguments[0], send.keyword) if send else None,
            "window": duration_node(window.arguments[0], window.keyword) if window else None,
            "keys": sequence(
                statement.keyword.place,
                [key for each in inner.all("key") if (key := _key(each, inner)) is not None],
            ),
        },
    )


def _mode(inner: Block) -> Node | None:
    word = inner.word("mode")
    if word is None:
        return None
    # Another word stays as it is, and the schema refuses it.
    return scalar(_MODES.get(word.text, word.text), word.place)


def _key(statement: Statement, inner: Block) -> Node | None:
    number, value = statement.arguments
    if not value.text.startswith("file:"):
        message = (
            "key: hadirector reads a key from a file: write the key into a file of mode 0600,"
            " and write file:PATH here"
        )
        inner.fault(value.place, message)
        return None
    path = scalar(value.text.removeprefix("file:"), value.place)
    return mapping(statement.keyword.place, {"id": whole_node(number), "file": path})
