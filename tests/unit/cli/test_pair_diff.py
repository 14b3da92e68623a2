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
