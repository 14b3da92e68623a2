"""The rules for sources of overrides."""

from __future__ import annotations

import pytest

from hadirector.config.document.errors import ConfigError
from hadirector.config.loader import parse

ORDERS = "{name: orders, type: file, path: /orders.json, format: overrides}"
OTHERS = "{name: others, type: file, path: /others.json, format: overrides}"
POOL = "{address: '192.0.2.1:80', check: none, real_servers: [%s]}"


def read(sources: str, member: str) -> list[str]:
    text = f"sources: [{sources}]\nvirtual_servers: [{POOL % member}]\n"
    try:
        parse(text.encode(), "f", "lb1")
    except ConfigError as error:
        return [str(each) for each in error.faults]
    return []


def test_one_source_may_have_overrides() -> None:
    assert read(ORDERS, "{address: 192.0.2.2}") == []


@pytest.mark.parametrize(
    ("sources", "member", "fault"),
    [
        (
            f"{ORDERS}, {OTHERS}",
            "{address: 192.0.2.2}",
            "f:1:133: sources[1].format: only one source can have the format overrides",
        ),
        (
            ORDERS,
            "{from: orders}",
            'f:2:80: virtual_servers[0].real_servers[0].from: the source "orders" has overrides,'
            " and no real servers",
        ),
    ],
)
def test_faults(sources: str, member: str, fault: str) -> None:
    assert read(sources, member) == [fault]
