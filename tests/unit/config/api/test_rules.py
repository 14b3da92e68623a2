"""The keys of the web process: what they need, and the settings that they make."""

from collections.abc import Callable

import pytest

from hadirector.config.loader import parse
from hadirector.model.web import CertificateClient, TlsFiles, WebSettings

FaultsOf = Callable[[str], list[str]]
TLS = "tls: {certificate: /c, key: /k}"
CLIENT = "{name: prometheus.example.net, role: read, only: web/*}"


def settings_of(keys: str) -> WebSettings | None:
    return parse(f"virtual_servers: []\napi: {{{keys}}}".encode(), "f", "host").web


def test_the_keys_make_the_settings() -> None:
    assert settings_of(
        "listen: '[2001:db8:0::1]:9470', tokens_file: /t, host_names: [lb.example.net],"
        f" public: [health], user: web, tls: {{certificate: /c, key: /k, client_ca: /a, clients:"
        f" [{CLIENT}]}}"
    ) == WebSettings(
        address="2001:db8::1",
        port=9470,
        tokens_file="/t",
        host_names=("lb.example.net",),
        public=("health",),
        user="web",
        tls=TlsFiles(
            certificate="/c",
            key="/k",
            client_ca="/a",
            clients=(CertificateClient(name="prometheus.example.net", role="read", only="web/*"),),
        ),
    )


def test_without_listen_there_is_no_web_process() -> None:
    assert settings_of("unix: /x") is None


@pytest.mark.parametrize("address", ["127.0.0.1:9470", "127.3.4.5:1", "'[::1]:9470'"])
def test_a_loopback_address_needs_neither_tls_nor_tokens(address: str) -> None:
    assert settings_of(f"listen: {address}") is not None


@pytest.mark.parametrize("address", ["0.0.0.0:9470", "'[::]:9470'", "192.0.2.1:443"])
def test_another_address_needs_both(address: str, faults_of: FaultsOf) -> None:
    shown = address.strip("'").rpartition(":")[0].strip("[]")
    assert faults_of(f"virtual_servers: []\napi: {{listen: {address}}}") == [
        f"2:15: api.listen: {shown} is not a loopback address, so it needs TLS (add tls with"
        " certificate and key, or use 127.0.0.1)",
        f"2:15: api.listen: {shown} is not a loopback address, so it needs tokens for its"
        " clients (add"
        " tokens_file, or tls.clients with client_ca)",
    ]
    assert settings_of(f"listen: {address}, tokens_file: /t, {TLS}") is not None


EXPECTED_PORT = "a port from 1 to 65535 after the address"
EXPECTED_LISTEN = 'ADDRESS:PORT, such as 192.0.2.1:9470 or "[::]:9470"'


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ("tls: {certificate: /c, key: /k}", "12: api.tls: has no effect without listen"),
        ("tokens_file: /t", "20: api.tokens_file: has no effect without listen"),
        ("user: web", "13: api.user: has no effect without listen"),
        ("token_file: /t", '7: api: the key "token_file" is now called tokens_file'),
        (
            "listen: localhost:9470",
            f'15: api.listen: wrong value (got "localhost:9470", expected {EXPECTED_LISTEN})',
        ),
        (
            "listen: 9470",
            f"15: api.listen: wrong value (got 9470, expected {EXPECTED_LISTEN})",
        ),
        (
            "listen: '::1:9470'",
            f'15: api.listen: wrong value (got "::1:9470", expected {EXPECTED_LISTEN})',
        ),
        (
            "listen: 127.0.0.1:65536",
            f'15: api.listen: wrong value (got "127.0.0.1:65536", expected {EXPECTED_PORT})',
        ),
        (
            "listen: 127.0.0.1:1, tls: {certificate: /c, key: /k, client_ca: /a}",
            "71: api.tls.client_ca: has no effect without clients",
        ),
        (
            f"listen: 127.0.0.1:1, tls: {{certificate: /c, key: /k, clients: [{CLIENT}]}}",
            "69: api.tls.clients: has no effect without client_ca",
        ),
        (
            "listen: 127.0.0.1:1, tls: {certificate: /c, key: /k, client_ca: /a, clients:"
            f" [{CLIENT}, {CLIENT}]}}",
            '149: api.tls.clients[1].name: duplicate name "prometheus.example.net", first at'
            " api.tls.clients[0].name",
        ),
        (
            "listen: 127.0.0.1:1, public: [status]",
            '37: api.public[0]: wrong value (got "status", expected one of health, roles, metrics)',
        ),
    ],
)
def test_faults(keys: str, fault: str, faults_of: FaultsOf) -> None:
    assert faults_of(f"virtual_servers: []\napi: {{{keys}}}") == [f"2:{fault}"]
