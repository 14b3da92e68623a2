"""The JSON Schema for editors accepts every example, and refuses what is wrong at sight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from checks.definition.options import PROBE_TYPES
from hadirector.config.json_schema import make_schema

EXAMPLES = sorted((Path(__file__).parents[3] / "configs").glob("*.yaml"))
SCHEMA: dict[str, Any] = {**make_schema()}
VALIDATOR = jsonschema_rs.Draft202012Validator(SCHEMA)

VALID = """
vrrp:
  - {name: web, interface: eth0, virtual_router_id: 51, virtual_addresses: [192.0.2.1]}
virtual_servers:
  - name: web
    address: 192.0.2.1:80
    slow_start: 10s
    check: {type: http, path: /, expect_status: [200-299]}
    real_servers: [{address: 192.0.2.45}]
"""


def faults(text: str) -> list[tuple[str, str]]:
    """Return the place of each fault, and the keyword of the schema that found it."""
    return [
        ("/".join(map(str, error.instance_path)), str(error.schema_path[-1]))
        for error in VALIDATOR.iter_errors(yaml.safe_load(text))
    ]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_valid(example: Path) -> None:
    assert faults(example.read_text()) == []


def test_the_schema_is_one() -> None:
    jsonschema_rs.meta.validate(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("interface:", "interfaces:", ("vrrp/0", "additionalProperties")),
        ("{name: web, ", "{", ("vrrp/0", "required")),
        ("51", "256", ("vrrp/0/virtual_router_id", "maximum")),
        ("slow_start: 10s", "slow_start: 10 s", ("virtual_servers/0/slow_start", "anyOf")),
        ("path: /", "paths: /", ("virtual_servers/0/check", "anyOf")),
        ("type: http", "type: htp", ("virtual_servers/0/check", "anyOf")),
        ("192.0.2.45", "7", ("virtual_servers/0/real_servers/0/address", "type")),
        ("virtual_servers:", "virtual_server:", ("", "additionalProperties")),
    ],
)
def test_a_fault_is_found(old: str, new: str, fault: tuple[str, str]) -> None:
    assert faults(VALID) == []
    assert fault in faults(VALID.replace(old, new))


def test_no_section_has_unknown_keys() -> None:
    pending: list[Any] = [SCHEMA]
    mappings = 0
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            if "properties" in part and isinstance(part["properties"], dict):
                mappings += 1
                assert part["additionalProperties"] is False, part
            pending += part.values()
        elif isinstance(part, list):
            pending += part
    assert mappings > 60


def test_every_key_has_a_description() -> None:
    """Also each key of a section below the top."""
    section = SCHEMA["$defs"]["virtual_server"]["properties"]
    assert section["scheduler"]["description"] == (
        "How the kernel selects a real server. `wlc` is also the default of ipvsadm."
    )
    assert [key for key, value in section.items() if "description" not in value] == []


def test_every_type_of_check_has_its_own_keys() -> None:
    _, *kinds = SCHEMA["$defs"]["check"]["anyOf"]
    assert [kind["properties"]["type"]["const"] for kind in kinds] == [*PROBE_TYPES, "none"]
    [dns] = [kind for kind in kinds if kind["properties"]["type"]["const"] == "dns"]
    assert dns["properties"]["protocol"]["enum"] == ["udp", "tcp"]
    assert "name" in dns["required"]


def test_a_host_has_the_same_keys_and_needs_none() -> None:
    hosts = "hosts: {lb1: {vrrp: {web: {priority: 200}}}, lb2: {vrrp: {web: {priorities: 1}}}}"
    assert faults(VALID.replace("virtual_router_id: 51, ", "") + hosts.replace("ies", "y")) == []
    assert faults(VALID + hosts) == [("hosts/lb2/vrrp/web", "additionalProperties")]
