"""Finds the differences between the directors of a fleet. Pure.

No director is right because of its name: the value that most directors have is shown first, and
the others differ from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from checks.definition.result import Verdict
from hadirector.status.summary import DirectorSummary

NONE: Final = "none"


class Opinion(msgspec.Struct, frozen=True):
    """A value, and the directors that have it."""

    value: str
    directors: tuple[str, ...]


class FleetDifference(msgspec.Struct, frozen=True):
    """A subject in which directors differ: the opinions, the most frequent one first.

    ``differing`` are the directors without the most frequent value. With a tie it has all directors
    that have a value. ``detail`` names the parts that differ.
    """

    subject: str
    opinions: tuple[Opinion, ...]
    differing: tuple[str, ...]
    detail: str = ""


def compare(summaries: Mapping[str, DirectorSummary]) -> tuple[FleetDifference, ...]:
    """Return the differences between directors, by their names in the inventory.

    Verdicts and roles may differ: they are no difference.
    """
    return tuple(_differences(summaries))


def _differences(summaries: Mapping[str, DirectorSummary]) -> Iterator[FleetDifference]:
    for name, summary in summaries.items():
        if summary.name != name:
            opinion = Opinion(summary.name, (name,))
            yield FleetDifference("name", (opinion,), (name,), "it calls itself by another name")
    yield from _differing("version", _values(summaries, lambda each: each.version))
    sections = ", ".join(_differing_keys([each.sections for each in summaries.values()]))
    configurations = _values(summaries, lambda each: each.configuration)
    yield from _differing("configuration", configurations, sections)
    tables = _values(summaries, lambda each: each.hash_tables)
    yield from _differing("hash tables", {name: value for name, value in tables.items() if value})
    yield from _each_key("members", summaries, lambda each: each.members)
    yield from _each_key("document", summaries, lambda each: each.documents)
    yield from _each_key("override", summaries, lambda each: each.overrides)
    failing = {name: dict.fromkeys(each.failing, "failing") for name, each in summaries.items()}
    for key in _differing_keys(list(failing.values())):
        values = {name: found.get(key, "not failing") for name, found in failing.items()}
        yield from _differing(f"check {key}", values)


def _each_key(
    subject: str,
    summaries: Mapping[str, DirectorSummary],
    read: Callable[[DirectorSummary], Mapping[str, str]],
) -> Iterator[FleetDifference]:
    found = {name: read(summary) for name, summary in summaries.items()}
    for key in _differing_keys(list(found.values())):
        values = {name: each.get(key, NONE) for name, each in found.items()}
        yield from _differing(f"{subject} {key}", values)


def _values(
    summaries: Mapping[str, DirectorSummary], read: Callable[[DirectorSummary], str]
) -> dict[str, str]:
    return {name: read(summary) for name, summary in summaries.items()}


def _differing_keys(found: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the keys that not all mappings have with the same value."""
    keys = {key for each in found for key in each}
    return sorted(key for key in keys if len({each.get(key) for each in found}) > 1)


def _differing(
    subject: str, values: Mapping[str, str], detail: str = ""
) -> Iterator[FleetDifference]:
    """Yield the difference if the directors do not all have the same value."""
    opinions = count_opinions(values)
    if len(opinions) < 2:
        return
    tied = len(opinions[0].directors) == len(opinions[1].directors)
    differing = opinions if tied else opinions[1:]
    names = tuple(name for opinion in differing for name in opinion.directors)
    yield FleetDifference(subject, opinions, names, detail)


def count_opinions(values: Mapping[str, str]) -> tuple[Opinion, ...]:
    """Return the opinions, the most frequent one first. Equal ones stay in the order of names."""
    directors: dict[str, list[str]] = {}
    for name, value in values.items():
        directors.setdefault(value, []).append(name)
    opinions = [Opinion(value, tuple(names)) for value, names in directors.items()]
    return tuple(sorted(opinions, key=lambda opinion: -len(opinion.directors)))


def read_opinions(verdicts: Mapping[str, Verdict], asked: int) -> str:
    """Return how many of the asked directors see a real server failing, for people."""
    failing = sum(verdict is Verdict.FAILING for verdict in verdicts.values())
    unknown = sum(verdict is Verdict.UNKNOWN for verdict in verdicts.values())
    silent = asked - len(verdicts)
    notes = [f"{unknown} do not know"] * bool(unknown) + [f"{silent} did not answer"] * bool(silent)
    return f"{failing} of {asked} see it failing" + (f" ({', '.join(notes)})" if notes else "")
