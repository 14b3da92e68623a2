"""The identity of a check: different for different probes, and no means to confirm a password."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest

from hadirector.config.checks import build
from hadirector.config.checks.build import check_template, separate_secrets
from hadirector.config.checks.schema import read_check

PASSWORD: dict[str, Any] = {"type": "http", "username": "u", "password": "hunter2"}
HEADER: dict[str, Any] = {"type": "http", "headers": {"Authorization": "hunter2", "X-Check": "1"}}


def digest(**options: Any) -> str:
    template = check_template(read_check(options))
    assert template is not None
    return template.digest


@pytest.mark.parametrize("options", [PASSWORD, HEADER], ids=["password", "header"])
def test_the_open_part_of_a_probe_has_no_secret(options: dict[str, Any]) -> None:
    open_part, secrets = separate_secrets(read_check(options).probe)
    assert b"hunter2" not in msgspec.json.encode(open_part)
    assert b"hunter2" in msgspec.json.encode(secrets)


def test_probes_with_different_secrets_have_different_identities() -> None:
    other = {"Authorization": "hunter3", "X-Check": "1"}
    digests = [
        digest(**PASSWORD),
        digest(**PASSWORD | {"password": "hunter3"}),
        digest(**HEADER),
        digest(**HEADER | {"headers": other}),
        digest(type="http"),
    ]
    assert len(set(digests)) == len(digests)
    assert digest(**PASSWORD) == digests[0]


def test_a_guessed_password_is_not_confirmed_by_a_fast_hash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow: list[bytes] = []

    def note(secrets: bytes, salt: bytes) -> bytes:
        slow.append(secrets)
        return salt

    monkeypatch.setattr(build, "_hash_slowly", note)
    digest(type="http", headers={"X-Check": "1"})
    assert slow == []
    with_secret = digest(**PASSWORD)
    assert len(slow) == 1
    section = read_check(PASSWORD)
    parts = [section.probe, section.timing, section.route, section.idle_connection]
    fast = hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
    assert not fast.startswith(with_secret)
