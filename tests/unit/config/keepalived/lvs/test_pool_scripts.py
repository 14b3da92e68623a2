"""The scripts of pools and real servers, and the properties of single real servers."""

from __future__ import annotations

from pathlib import Path

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
