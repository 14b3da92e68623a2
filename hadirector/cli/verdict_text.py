"""Render the verdict on a director, and its problems, as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hadirector.cli.terminal import Paint, short_duration
from hadirector.status.verdict import DirectorVerdict, Level, Problem

STYLES: Final = {Level.OK: "bold green", Level.DEGRADED: "yellow", Level.CRITICAL: "bold red"}
_WIDTH: Final = max(map(len, Level))
_NOTE: Final = "note"


def render_verdict(verdict: DirectorVerdict, paint: Paint) -> str:
    """Render the verdict as one line: its level and its summary."""
    return f"{paint(verdict.level, STYLES[verdict.level])}  {verdict.summary}"


def render_problems(verdict: DirectorVerdict, paint: Paint) -> Iterator[str]:
    """Render each problem as lines: the fault, the remedy, and the place in the documents."""
    for problem in verdict.problems:
        yield from _render_problem(problem, paint)


def _render_problem(problem: Problem, paint: Paint) -> Iterator[str]:
    age = "" if problem.age is None else f", for {short_duration(problem.age)}"
    word = _NOTE if problem.level is Level.OK else problem.level
    style = "" if problem.level is Level.OK else STYLES[problem.level]
    label = paint(word.ljust(_WIDTH), style)
    yield f"{label}  {problem.object}: {problem.reason}  [{problem.code}{age}]"
    yield f"{' ' * _WIDTH}  -> {problem.remedy}"
    yield paint(f"{' ' * _WIDTH}     {problem.see}", "dim")
