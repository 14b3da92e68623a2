"""The store of summaries in the configuration."""

from __future__ import annotations

import pytest

from hadirector.config.document.errors import ConfigError
from hadirector.config.loader import parse
from hadirector.model.fleet import SummaryStore


def test_a_store_has_defaults() -> None:
    text = b"virtual_servers: []\nfleet: {type: http, url: 'https://192.0.2.9/fleet'}"
    assert parse(text, "f", "lb1").fleet == SummaryStore(type="http", url="https://192.0.2.9/fleet")
    assert parse(b"virtual_servers: []", "f", "lb1").fleet is None


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        (
            "type: etcd, url: 'http://a', interval: 10s, lifetime: 15s",
            "2:63: fleet.lifetime: wrong value (got 15 s, expected at least twice the interval,"
            " 20 s)",
        ),
        (
            "type: http, url: 'http://a', prefix: /a/",
            "2:46: fleet.prefix: a store of the type http has no prefix; leave this out",
        ),
        (
            "type: http, url: ftp://a",
            '2:26: fleet.url: wrong value (got "ftp://a", expected a URL with http:// or https://)',
        ),
        (
            "type: http, url: 'https://a:pa55@b/c'",
            "2:26: fleet.url: wrong value (got a value that is not shown, expected a URL with"
            " http:// or https://, without a user name and a password; token_file can name a file"
            " with a token)",
        ),
    ],
)
def test_faults(keys: str, fault: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(f"virtual_servers: []\nfleet: {{{keys}}}".encode(), "f", "lb1")
    assert [str(each) for each in raised.value.faults] == [f"f:{fault}"]
