"""The text and the usage of the command for many directors."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadirector.cli import main
from hadirector.cli.fleet_text import render_status
from hadirector.cli.terminal import plain
from hadirector.fleet.asking import Asked
from hadirector.fleet.comparison import FleetDifference, Opinion
from hadirector.status.summary import DirectorSummary
from hadirector.status.verdict import Level

LB1 = DirectorSummary(
    name="lb1",
    version="0.2.0",
    level=Level.OK,
    reason="web",
    configuration="aaaa",
    hash_tables="tttt",
    roles={"group web": "announced", "instance in": "ACTIVE"},
)
LB2 = DirectorSummary(
    name="lb2", version="0.2.0", level=Level.DEGRADED, reason="x", configuration="bbbb"
)
DIFFERENCE = FleetDifference(
    "configuration", (Opinion("aaaa", ("lb1",)), Opinion("bbbb", ("lb2",))), ("lb2",), "announce"
)


def test_the_table_marks_what_differs_and_names_the_silent() -> None:
    found = (
        Asked("lb1", LB1),
        Asked("lb2", LB2, age=7.4),
        Asked("lb3", None, "no whole answer within 3 s"),
    )
    assert list(render_status(found, (DIFFERENCE,), plain)) == [
        "director  version  configuration  hash tables  roles                     age  verdict",
        "lb1       0.2.0    aaaa           tttt         web announced, in ACTIVE  now  OK: web",
        "lb2       0.2.0    bbbb*          -            -                         7 s  DEGRADED: x",
        "lb3: no whole answer within 3 s",
        "configuration differs: aaaa on lb1; bbbb on lb2 (announce)",
        "2 of 3 directors answer, with 1 difference",
    ]


USAGE = {
    "status web": "status takes no NAME (got web)",
    "status --reason disk": "--reason, --for and --deadline are only for drain",
    "why web/a --stored": "--stored is only for status",
    "why web": "web: expected VS/RS",
    "drain": "no NAME: expected VS/RS, the name of a virtual server, or the word host and an"
    " address",
}


@pytest.mark.parametrize(("words", "message"), USAGE.items(), ids=USAGE)
def test_wrong_usage_is_told(words: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fleet", *words.split(), "-f", "/nowhere"]) == 2
    assert capsys.readouterr().err == f"hadirector: {message}\n"


def test_a_wrong_inventory_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text("directors: []\n")
    assert main(["fleet", "status", "-f", str(file)]) == 2
    assert capsys.readouterr().err == (
        f"{file}:1:12: directors: wrong value (got 0 directors, expected 1 to 200)\n"
    )
