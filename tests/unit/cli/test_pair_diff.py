"""The sections of the configuration that differ between directors, and the exit codes."""

from __future__ import annotations

import msgspec
import pytest

from hadirector.cli import main, pair_diff
from hadirector.pair.comparison import DifferenceKind
from hadirector.pair.peers import Reach
from hadirector.pair.report import PairDifference, PairDirector, PairReport
from hadirector.status.verdict import DirectorVerdict, Level

SECTION = PairDifference(
    "lb2", DifferenceKind.CONFIGURATION, "virtual_server/web", "33", "34", 5.0, True
)
VERDICTS = PairDifference("lb2", DifferenceKind.VERDICTS, "web", "a", "b", 5.0, True)


HERE = PairDirector(name="lb1", here=True, address="", reach=Reach.REACHED, reason="", current=True)
THERE = PairDirector(
    name="lb2", here=False, address="", reach=Reach.REACHED, reason="", current=True
)
TEXT = "a: 1\nkey: <secret 0a1b2c>\n"


@pytest.mark.parametrize(
    ("there", "lines", "code"),
    [
        pytest.param("a: 1\nkey: <secret ffff>\n", [], 0, id="each director has its own labels"),
        pytest.param(
            "a: \x1b[2J\nkey: <secret ffff>\n",
            ["--- lb1", "+++ lb2", "@@ -1,3 +1,3 @@", "-a: 1", "+a: ?[2J", " key: <secret>", " "],
            1,
            id="an unprintable character",
        ),
    ],
)
def test_the_lines_that_differ(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    there: str,
    lines: list[str],
    code: int,
) -> None:
    report = PairReport(
        pair="edge", verdict=DirectorVerdict(Level.OK, "fine"), directors=(HERE, THERE)
    )
    answers = {
        "/v1/pair": msgspec.json.encode(report),
        "/v1/pair/texts/lb2": msgspec.json.encode({"peer": "lb2", "here": TEXT, "there": there}),
    }
    monkeypatch.setattr(pair_diff, "request", lambda _socket, _method, path: answers[path])
    assert main(["pair", "diff", "--text"]) == code
    assert capsys.readouterr().out.splitlines() == lines


@pytest.mark.parametrize(
    ("current", "differences", "lines", "code"),
    [
        (True, (VERDICTS,), ["lb2: the same configuration"], 0),
        (
            True,
            (SECTION, VERDICTS),
            ["lb2: 1 section differs", "  virtual_server/web: 33 here, 34 on lb2"],
            1,
        ),
        (False, (), ["lb2: not known: no answer"], 2),
    ],
)
def test_the_sections_that_differ(  # noqa: PLR0917  # the parameters of the cases
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    current: bool,
    differences: tuple[PairDifference, ...],
    lines: list[str],
    code: int,
) -> None:
    peer = PairDirector(
        name="lb2",
        here=False,
        address="",
        reach=Reach.REACHED if current else Reach.LOST,
        reason="no answer",
        current=current,
    )
    verdict = DirectorVerdict(Level.OK, "fine")
    report = PairReport(pair="edge", verdict=verdict, directors=(peer,), differences=differences)
    answer = msgspec.json.encode(report)
    monkeypatch.setattr(pair_diff, "request", lambda *_arguments: answer)
    assert main(["pair", "diff"]) == code
    assert capsys.readouterr().out.splitlines() == lines
