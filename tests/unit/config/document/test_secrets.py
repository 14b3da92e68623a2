"""No fault of a file shows a secret, whatever is wrong with it."""

from __future__ import annotations

import pytest

from hadirector.config.document.errors import ConfigError
from hadirector.config.loader import parse

SECRET = "hunter2"
INSTANCE = "vrrp: [{name: a, interface: lo, vrid: 1, addresses: [192.0.2.1/32], %s}]"
CHECK = (
    "virtual_servers: [{address: '192.0.2.1:80', check: {type: http, %s},"
    " real_servers: [{address: 192.0.2.2}]}]"
)


@pytest.mark.parametrize(
    "text",
    [
        INSTANCE % "authentication: {type: pass, password: !hunter2}",
        INSTANCE % "authentication: {type: pass, password: !hunter2 x}",
        INSTANCE % "authentication: {type: pass, password: &hunter2 x}",
        INSTANCE % "authentication: {type: pass, password: *hunter2}",
        INSTANCE % "authentication: {type: pass, password: [hunter2]}",
        INSTANCE % "authentication: {type: pass, password: {hunter2: 1, hunter2: 2}}",
        INSTANCE % "authentication: {type: pass, password: {a: &hunter2 [*hunter2]}}",
        INSTANCE % "authentication: {type: pass, password: {hunter2: ~}}",
        INSTANCE % "authentication: {type: pass, 'password:hunter2': 1}",
        INSTANCE % "authentication: {type: pass, 'password hunter2': 1}",
        INSTANCE % "authentication: {type: pass, passwort: hunter2}",
        INSTANCE % "authentication: hunter2",
        INSTANCE % "authentication: [hunter2]",
        INSTANCE % "auth_hmac: hunter2",
        INSTANCE % "auth_hmac: {keys: hunter2}",
        INSTANCE % "auth_hmac: {keys: [hunter2]}",
        INSTANCE % "auth_hmac: {keys: [{id: 1, file: hunter2}]}",
        INSTANCE % "auth_hmac: {keys: [{id: 1, file: {hunter2: 1}}]}",
        CHECK % f"body: '{SECRET}{'x' * 100_000}'",
        CHECK % "body: [hunter2]",
        CHECK % "body: hex:hunter2",
        CHECK % "headers: hunter2",
        CHECK % "headers: {hunter2: 1}",
        CHECK % "headers: {hunter2: [1]}",
        CHECK % "headers: {'hunter2 ': a, 'hunter2 ': b}",
        CHECK % 'headers: {Authorization: "hunter2\\x01"}',
        CHECK.replace("http", "tcp") % "send: [hunter2]",
    ],
)
def test_a_fault_does_not_show_the_secret(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text.encode(), "f", "lb1")
    assert SECRET not in str(caught.value)
    assert "f:1:" in str(caught.value)
