"""Sources of each type: their keys, and the faults of keys that a type does not have."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hadirector.config.loader import parse
from hadirector.model.discovery import Source

FaultsOf = Callable[[str], list[str]]


def file(source: str) -> str:
    return f"sources:\n  - {{name: a, {source}}}\nvirtual_servers: []\n"


@pytest.mark.parametrize(
    ("keys", "expected", "place"),
    [
        (
            "type: etcd, url: 'https://e:2379', prefix: /web/, token_file: /t, ca_file: /c",
            Source(
                name="a",
                type="etcd",
                location="https://e:2379",
                prefix="/web/",
                token_file="/t",
                ca_file="/c",
            ),
            "https://e:2379 /web/",
        ),
        (
            "type: kubernetes, url: 'https://k', service: web, port_name: http, family: ipv4",
            Source(
                name="a",
                type="kubernetes",
                location="https://k",
                service="web",
                port_name="http",
                family="ipv4",
            ),
            "https://k default/web",
        ),
        (
            "type: consul, url: 'http://c:8500', service: web",
            Source(name="a", type="consul", location="http://c:8500", service="web"),
            "http://c:8500 web",
        ),
        (
            "type: dns, domain: _http._tcp.a, records: srv, nameserver: '127.0.0.1:5353'",
            Source(
                name="a",
                type="dns",
                location="_http._tcp.a",
                records="srv",
                nameserver=("127.0.0.1", 5353),
            ),
            "_http._tcp.a",
        ),
        (
            "type: http, url: 'http://c/web', wait: 30s, format: endpoint_slices, port_name: http",
            Source(
                name="a",
                type="http",
                location="http://c/web",
                wait=30.0,
                format="endpoint_slices",
                port_name="http",
            ),
            "http://c/web",
        ),
    ],
    ids=["etcd", "kubernetes", "consul", "dns", "http"],
)
def test_the_keys_reach_the_model(keys: str, expected: Source, place: str) -> None:
    [source] = parse(file(keys).encode(), "f", "h").sources
    assert source == expected
    assert source.place == place


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ("type: kubernetes, url: 'https://k'", "a source of the type kubernetes needs service"),
        ("type: etcd, prefix: /a", "a source of the type etcd needs url"),
        ("type: etcd, url: 'http://e'", "a source of the type etcd needs either key or prefix"),
        (
            "type: etcd, url: 'http://e', key: /a, prefix: /b",
            "a source of the type etcd needs either key or prefix",
        ),
        (
            "type: etcd, url: 'http://e', prefix: /b, format: prometheus",
            "format: with prefix, each key has one member in our own format; leave this out",
        ),
        (
            "type: consul, url: 'http://c', service: web, poll: 5s",
            "poll: a source of the type consul has no poll; leave this out",
        ),
        (
            "type: dns, domain: a, wait: 5s",
            "wait: a source of the type dns has no wait; leave this out",
        ),
        (
            "type: http, url: 'http://c', port_name: http",
            "port_name: only the format endpoint_slices has names of ports; leave this out",
        ),
        (
            "type: etcd, url: 'etcd://e', key: /a",
            'url: wrong value (got "etcd://e", expected a URL with http:// or https://)',
        ),
        (
            "type: http, url: 'https://a:pa55@b/c'",
            "url: wrong value (got a value that is not shown, expected a URL with http:// or"
            " https://, without a user name and a password; token_file can name a file with a"
            " token)",
        ),
    ],
)
def test_a_key_that_a_type_needs_or_does_not_have(
    faults_of: FaultsOf, keys: str, fault: str
) -> None:
    faults = faults_of(file(keys))
    assert len(faults) == 1
    assert faults[0].endswith(fault)
