"""The scripts of pools and real servers, and the properties of single real servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.unit.config.keepalived.lvs.reading import read_text

ROOT = Path(__file__).parents[5]


def test_each_script_runs_for_its_state_without_arguments_of_hadirector() -> None:
    text = (ROOT / "tests/corpus/keepalived/lvs-scripts.conf").read_text()
    outcome = read_text(text)
    assert outcome.faults == []
    (server,) = outcome.value["virtual_servers"]
    announce = {"script": "/usr/local/bin/announce", "user": "root", "tell": "nothing"}
    assert server["notify"] == [
        {**announce, "arguments": ["add", "192.0.2.1/32"], "on": ["quorum_up"]},
        {
            **announce,
            "arguments": ["remove", "192.0.2.1/32"],
            "on": ["quorum_down"],
            "on_stop": "down",
        },
    ]
    script = {"script": "/usr/local/bin/server", "user": "nobody", "tell": "nothing"}
    assert server["real_servers"][0]["notify"] == [
        {**script, "arguments": ["up"], "on": ["up"]},
        {**script, "arguments": ["down"], "on": ["down"], "on_stop": "down"},
    ]


def value(name: str) -> dict[str, Any]:
    outcome = read_text((ROOT / f"tests/corpus/keepalived/lvs-{name}.conf").read_text())
    assert outcome.faults == []
    return outcome.server


def test_a_property_of_some_real_servers_stays_with_them() -> None:
    alpha = value("alpha-mixed")
    assert "initial_state" not in alpha
    assert [each.get("initial_state") for each in alpha["real_servers"]] == [None, "up"]
    inhibit = value("inhibit-mixed")
    assert "on_failure" not in inhibit
    assert [each.get("on_failure") for each in inhibit["real_servers"]] == ["zero_weight", None]


def test_a_server_with_another_forwarding_method_has_its_own() -> None:
    methods = value("mixed-methods")
    assert methods["forwarding"] == "dr"
    assert [each.get("forwarding") for each in methods["real_servers"]] == [None, "tun"]
    assert value("sorry-method")["sorry_server"]["forwarding"] == "dr"
