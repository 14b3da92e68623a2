"""Any file results in a configuration or in a ConfigError."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hadirector.config.document.errors import ConfigError, quote
from hadirector.config.loader import parse
from hadirector.model.configuration import Configuration

KEYS = [
    "director",
    "api",
    "vrrp",
    "virtual_servers",
    "real_servers",
    "check",
    "name",
    "address",
    "type",
    "interval",
    "timeout",
    "unicast",
    "source",
    "peers",
    "transport",
    "virtual_addresses",
    "virtual_router_id",
    "interface",
    "preempt",
    "delay",
    "scheduler",
    "scheduler_flags",
    "forwarding",
    "protocol",
    "weight",
    "persistence",
    "on_failure",
    "dataplane",
    "expect_status",
    "expect_body",
    "path",
    "tls_verify",
    "tls_ca_file",
    "quorum",
    "wieght",
    "<<",
]
SCALARS = st.sampled_from(
    [
        "tcp",
        "udp",
        "none",
        "10.0.0.1:80",
        "10.0.0.2",
        "127.0.0.1",
        "[2001:db8::1]:80",
        "http",
        "https",
        "web",
        "eth0",
        "51",
        "2s",
        "sh",
        "mh",
        "dr",
        "nat",
        "userspace",
        "remove",
        "true",
        "^ok",
        "10ms",
        "1h",
        "/",
    ]
)
LEAVES = SCALARS | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=8,
)
REAL_SERVERS = st.fixed_dictionaries(
    {"address": LEAVES}, optional={"weight": LEAVES, "check": TREES, "port": LEAVES}
)
VIRTUAL_SERVERS = st.fixed_dictionaries(
    {"address": LEAVES, "real_servers": st.lists(REAL_SERVERS | LEAVES, max_size=3)},
    optional=dict.fromkeys(("protocol", "scheduler", "check", "forwarding"), SCALARS | TREES),
)
INSTANCES = st.fixed_dictionaries(
    {"name": LEAVES, "interface": LEAVES, "virtual_router_id": LEAVES, "virtual_addresses": TREES},
    optional=dict.fromkeys(("transport", "unicast", "preempt", "advert_interval"), TREES),
)
FILES = st.fixed_dictionaries(
    {},
    optional={
        "director": TREES,
        "api": TREES,
        "vrrp": st.lists(INSTANCES | LEAVES, max_size=3) | TREES,
        "virtual_servers": st.lists(VIRTUAL_SERVERS | LEAVES, max_size=3) | TREES,
        "hosts": st.dictionaries(st.sampled_from(("host", "lb2")), TREES, max_size=2) | TREES,
        "zzz": TREES,
    },
)


def judge(data: bytes) -> None:
    try:
        outcome: object = parse(data, "f", "host")
    except ConfigError as error:
        outcome = error
    if isinstance(outcome, ConfigError):
        assert all("\n" not in str(fault) for fault in outcome.faults)
    else:
        assert isinstance(outcome, Configuration)


def test_a_key_with_a_line_break_is_shown_in_one_line() -> None:
    with pytest.raises(ConfigError) as raised:
        parse(b"{0\n\xc2\x850", "f", "host")
    assert str(raised.value.faults[0]).startswith(r'f:4:1: "0\n0": the value is missing')


@given(st.binary(max_size=200))
def test_any_bytes_are_accepted_or_refused(data: bytes) -> None:
    """No other exception than ConfigError is raised."""
    judge(data)


@given(st.text(st.sampled_from("ab:-[]{},'\"\\|>&*!%#@`~<=? \t\n\x850.\u2028é"), max_size=60))
def test_any_text_of_yaml_signs_is_accepted_or_refused(text: str) -> None:
    """Characters with a meaning in YAML are more frequent than in random text."""
    judge(text.encode())


@settings(max_examples=300)
@given(FILES)
def test_any_tree_of_known_keys_is_accepted_or_refused(tree: dict[str, Any]) -> None:
    """Known keys with wrong values reach every reader and rule."""
    judge(json.dumps(tree).encode())


@pytest.mark.parametrize("character", ["\x1b", "\x9b", "\n", "\u202e"])
def test_a_quoted_value_has_no_control_characters(character: str) -> None:
    """Control characters and direction marks are escaped."""
    assert character not in quote(f"a{character}b")
