"""The texts of the project keep the language rules of docs/style.md."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.language.findings import findings, participles
from tests.language.patterns import LINE_MAX, PARTICIPLES, PATTERNS, SENTENCE_WORDS_MAX
from tests.language.prose import (
    PACKAGES,
    ROOT,
    Passage,
    documents,
    passages_of_documents,
    passages_of_package,
    plain,
)

FINDINGS_PER_1000_WORDS_MAX = 2.0

SENTENCES = (
    ("Remove the one that fails.", "Remove the server that fails."),
    ("Those of the peer are ignored.", "The priorities of the peer are ignored."),
    ("Whoever waits gets an event.", "A waiting client gets an event."),
    ("What cannot be kept.", "Host settings that could not be applied."),
    ("Who goes first.", "The order of the routers."),
    ("Compare it with what is wanted.", "Compare it with the wanted table."),
    ("List what is not ours.", "List the foreign services."),
    ("The reader takes what it gets.", "The reader accepts every line."),
    ("Of these it drops two.", "It drops two of these packets."),
    ("Go on with whom has an answer.", "Continue with the probes that have an answer."),
    ("The weight by which it is chosen.", "The weight that selects it."),
    ("Neither is a verdict.", "A verdict is not valid either."),
    ("It is refused, also when it is empty.", "It is refused, even if it is empty."),
    ("The probe fails for a want of memory.", "The probe fails for lack of memory."),
    ("The message is none of ours.", "The message is for another instance."),
    ("The pool has not enough servers.", "The pool does not have enough servers."),
    ("It has been drained since a day.", "It has been drained for a day."),
    ("A reload is no work worth mentioning.", "A reload takes 2 ms."),
    ("The order goes before the check.", "The override takes precedence over the check."),
    ("The address stands there by now.", "The address is present."),
    ("It is kept in the place of an older one.", "It replaces an older override."),
    ("The override ends by itself.", "The override expires."),
    ("The table is read anew.", "The table is read again."),
    ("An event was dropped for want of room.", "An event was dropped because the queue was full."),
    ("The server gets so many connections.", "The server gets N connections."),
    ("It takes some 20 ms.", "It takes about 20 ms."),
    ("The peer has meanwhile taken over.", "The peer has taken over in the interim."),
    ("Somebody removed the address.", "Another program removed the address."),
    ("The router reports that he is ACTIVE.", "The router reports that it is ACTIVE."),
    ("The advertisement is not believed.", "The advertisement is rejected."),
    ("The check asks for a login.", "The check requests a login."),
    ("A worker that dies is restarted.", "A worker that exits is restarted."),
    ("The kernel tells us the index.", "The kernel reports the index."),
    ("The probe says why.", "The probe returns the reason."),
    ("The peer is heard.", "An advertisement of the peer is received."),
    ("The port is not unknown.", "The port is known."),
    ("The kernel sends nothing but counters.", "The kernel sends only counters."),
    ("It is no longer unreachable.", "It is reachable again."),
    (
        "Every answer but that of the API is text.",
        "Every answer except the answer of the API is text.",
    ),
    ("The backends are out of sight.", "The director is blind."),
    ("The homeless overrides are listed.", "The orphaned overrides are listed."),
    ("The router resigns.", "The router starts a handover."),
    ("Failing servers are kept in.", "Failing servers are held."),
    ("A missing file is taken for a failure.", "A missing file counts as a failure."),
    ("Wait until both are synchronised.", "Wait until both are synchronized."),
)
"""For each pattern, in its order, a text that it must find and the text to write instead."""


@pytest.mark.parametrize(
    ("pattern", "bad", "good"),
    [(pattern, *pair) for (pattern, _), pair in zip(PATTERNS, SENTENCES, strict=True)],
    ids=[bad for bad, _ in SENTENCES],
)
def test_a_pattern_finds_the_bad_text_and_no_pattern_finds_the_replacement(
    pattern: re.Pattern[str], bad: str, good: str
) -> None:
    assert pattern.search(bad)
    assert [finding.found for finding in findings(Passage("a.md", 1, good))] == []


def test_a_long_sentence_is_listed_and_does_not_count() -> None:
    text = " ".join(["word"] * (SENTENCE_WORDS_MAX + 1)) + "."
    (finding,) = findings(Passage("a.md", 1, text))
    assert (finding.instead, finding.counts) == ("36 words: divide the sentence", 0)


def test_code_and_link_targets_are_not_prose() -> None:
    assert plain("Set `those of` in [the file](whoever.md).") == "Set X in the file."


@pytest.mark.parametrize("name", ["said", "_told", "kept", "removed", "set_up"])
def test_a_participle_is_no_name_of_a_function(name: str) -> None:
    assert PARTICIPLES.fullmatch(name)


@pytest.mark.parametrize(
    "name", ["render_status", "say", "_is_delayed", "feed", "reader", "removed_servers"]
)
def test_a_verb_or_a_noun_is_a_name_of_a_function(name: str) -> None:
    assert not PARTICIPLES.fullmatch(name)


def per_1000_words(passages: Iterable[Passage]) -> float:
    texts = list(passages)
    hits = sum(finding.counts for passage in texts for finding in findings(passage))
    return 1000 * hits / sum(len(passage.text.split()) for passage in texts)


def test_the_documents_keep_the_rules() -> None:
    assert per_1000_words(passages_of_documents()) <= FINDINGS_PER_1000_WORDS_MAX


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_keeps_the_rules(package: str) -> None:
    assert per_1000_words(passages_of_package(package)) <= FINDINGS_PER_1000_WORDS_MAX


def test_no_function_is_named_by_a_participle() -> None:
    assert list(participles()) == []


def long_lines(path: Path) -> Iterable[str]:
    """List the lines of prose that are too long; tables, links and code may be longer."""
    in_code = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.lstrip().startswith("```"):
            in_code = not in_code
        is_prose = not in_code and not line.startswith(("|", "    ")) and "](" not in line
        if is_prose and len(line) > LINE_MAX:
            yield f"{path.relative_to(ROOT)}:{number}: {len(line)} characters"


def test_no_line_of_prose_is_too_long() -> None:
    markdown = [path for path in documents() if path.suffix == ".md"]
    assert len(markdown) > 20
    assert [line for path in markdown for line in long_lines(path)] == []
