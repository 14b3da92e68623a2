"""The inventory of a fleet, and its faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadirector.api.endpoint import Remote
from hadirector.config.document.errors import ConfigError
from hadirector.fleet.inventory import FleetDirector, load_inventory, parse_inventory
from hadirector.model.fleet import SummaryStore

GOOD = b"""\
token_file: /etc/hadirector/fleet.token
directors:
  - {name: lb1, api: "https://192.0.2.1:9470", ca_file: /etc/ssl/lb1.pem}
  - {name: lb2, api: "https://192.0.2.2:9470", token_file: /etc/hadirector/lb2.token}
  - {name: lb3, api: /run/hadirector/api.sock}
"""


def test_each_director_has_its_endpoint() -> None:
    lb1 = Remote("https://192.0.2.1:9470", "/etc/hadirector/fleet.token", "/etc/ssl/lb1.pem")
    lb2 = Remote("https://192.0.2.2:9470", "/etc/hadirector/lb2.token", None)
    assert parse_inventory(GOOD, "fleet.yaml").directors == (
        FleetDirector("lb1", lb1),
        FleetDirector("lb2", lb2),
        FleetDirector("lb3", "/run/hadirector/api.sock"),
    )


FAULTS = {
    "directors: []\n": [
        "f:1:12: directors: wrong value (got 0 directors, expected 1 to 200)",
    ],
    "": ["f:1:1: the file is empty (expected directors)"],
    'directors:\n  - {name: a, api: "http://192.0.2.1:1"}\n  - {name: a b, api: "ftp://x"}\n': [
        'f:3:12: directors[1].name: wrong value (got "a b", expected a name of letters, digits and'
        " _.:@[]-)",
        'f:3:22: directors[1].api: wrong value (got "ftp://x", expected https://HOST:PORT of a'
        " director, or the path of its Unix socket)",
    ],
    'directors:\n  - {name: a, api: "http://192.0.2.1:1"}\n  - {name: a, api: /a}\n': [
        "f:3:12: directors[1].name: duplicate name a, first at directors[0].name",
        "f:2:20: directors[0].api: http://192.0.2.1:1: http is only for this host (expected https)",
    ],
    "directors:\n  - {name: a, api: /a, token_file: /t}\n": [
        "f:2:36: directors[0].token_file: a Unix socket needs none: leave it out, or give a URL in"
        " api",
    ],
    "directors:\n  - {name: a, api: /a, tokenfile: /t}\n": [
        'f:2:24: directors[0]: unknown key "tokenfile", did you mean "token_file"?',
    ],
}


@pytest.mark.parametrize(("text", "faults"), FAULTS.items(), ids=range(len(FAULTS)))
def test_every_fault_has_its_place_its_value_and_the_expectation(
    text: str, faults: list[str]
) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_inventory(text.encode(), "f")
    assert [str(each) for each in raised.value.faults] == faults


def test_the_example_is_an_inventory() -> None:
    found = load_inventory(str(Path(__file__).parents[3] / "configs/fleet/inventory.yaml"))
    assert [each.name for each in found.directors] == ["lb1", "lb2", "lb3", "lb4"]


def test_the_store_has_the_keys_of_a_configuration() -> None:
    text = GOOD + b"store: {type: etcd, url: 'http://192.0.2.9:2379'}\n"
    assert parse_inventory(text, "f").store == SummaryStore(
        type="etcd", url="http://192.0.2.9:2379"
    )
