"""A tracked process: its name, its command line, the range of its number, and the delays."""

from __future__ import annotations

import pytest

from tests.unit.config.keepalived.reading import read
from tests.unit.config.keepalived.vrrp.test_corpus import text_of
from tests.unit.config.keepalived.vrrp.test_traps import instance


def tracked(*lines: str) -> tuple[object, list[str]]:
    """Return the process that a definition makes, and the kinds of the notes."""
    definition = "vrrp_track_process p {\n" + "\n".join(lines) + "\n}\n"
    found = read(definition + instance("track_process {\np\n}"))
    assert found.faults == []
    return found.instance["track"][0]["process"], [kind for kind, _ in found.notes]


@pytest.mark.parametrize(
    ("lines", "process"),
    [
        (["process haproxy"], "haproxy"),
        (["process haproxy", "full_command"], {"command": "haproxy"}),
        (["process /bin/a -x y"], {"command": "/bin/a", "arguments": ["-x", "y"]}),
        (["process /bin/a", "param_match"], {"command": "/bin/a", "arguments": []}),
        (["process /bin/a", "param_match initial"], {"command": "/bin/a"}),
        (
            ["process /bin/a -x", "param_match initial"],
            {"command": "/bin/a", "arguments": ["-x"], "arguments_match": "prefix"},
        ),
        (
            ["process /bin/a -x", "param_match partial"],
            {"command": "/bin/a", "arguments": ["-x"], "arguments_match": "first"},
        ),
        (["process a", "quorum 1"], "a"),
        (["process a", "quorum 3"], {"name": "a", "at_least": 3}),
        (["process a", "quorum 2", "quorum_max 4"], {"name": "a", "at_least": 2, "at_most": 4}),
        (["process a", "quorum_max 2"], {"name": "a", "at_most": 2}),
        (["process a", "quorum_max 0"], {"name": "a", "at_least": 0, "at_most": 0}),
        (["process a", "delay 2"], {"name": "a", "down_delay": "2s"}),
        (["process a", "terminate_delay 0.5"], {"name": "a", "down_delay": "500ms"}),
        (["process a", "delay 2", "terminate_delay 1"], {"name": "a", "down_delay": "1s"}),
    ],
)
def test_a_process_has_the_same_effect_in_the_native_form(
    lines: list[str], process: object
) -> None:
    """A fork never gains a quorum of 1, because the parent counts: only an end is delayed."""
    assert tracked(*lines) == (process, [])


@pytest.mark.parametrize(
    ("lines", "process"),
    [
        (["process a", "fork_delay 2"], "a"),
        (
            ["process a", "quorum 2", "delay 2"],
            {"name": "a", "at_least": 2, "down_delay": "2s", "up_delay": "2s"},
        ),
        (
            ["process a", "quorum_max 2", "delay 2"],
            {"name": "a", "at_most": 2, "down_delay": "2s", "up_delay": "2s"},
        ),
    ],
)
def test_a_delay_of_forks_is_noted(lines: list[str], process: object) -> None:
    assert tracked(*lines) == (process, ["fork_delay"])


def test_a_process_whose_effect_cannot_be_kept_is_refused() -> None:
    where = "vrrp_track_process"
    assert read(text_of("process-ranges")).faults == [
        f"14:16: {where} unordered: quorum_max: the value is less than the quorum, 4",
        f"19:5: {where} uneven: terminate_delay: with quorum_max, both delays must be equal (write"
        " delay)",
        f"23:17: {where} unknown: param_match: unknown word regex (expected initial, partial or"
        " nothing)",
        f'27:21: {where} slow: terminate_delay: wrong value (got "7200", expected a number of'
        " seconds up to 3600)",
    ]
