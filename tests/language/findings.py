"""Finds what the language rules (docs/style.md) ban in a passage of prose."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.language.patterns import PARTICIPLES, PATTERNS, SENTENCE_WORDS_MAX
from tests.language.prose import PACKAGES, ROOT, Passage

CONTEXT = 45
_CALLBACKS = frozenset({"buffer_updated", "data_received", "datagram_received", "eof_received"})
"""Callbacks that asyncio names."""
_DEFINITION = re.compile(r"\bdef\s+(\w+)")


class Finding(NamedTuple):
    """One finding. ``counts`` is 1 for a banned pattern, 0 for a sentence that is only long."""

    place: str
    found: str
    instead: str
    counts: int

    def __str__(self) -> str:
        return f"{self.place}: {self.found} ({self.instead})"


def findings(passage: Passage) -> Iterator[Finding]:
    """Yield each banned pattern and each sentence that is too long."""
    for pattern, instead in PATTERNS:
        for match in pattern.finditer(passage.text):
            context = passage.text[max(0, match.start() - CONTEXT) : match.end() + CONTEXT]
            yield Finding(str(passage), f"...{context}...", instead, 1)
    for sentence in re.split(r"(?<=[.!?:;])\s", passage.text):
        if (words := len(sentence.split())) > SENTENCE_WORDS_MAX:
            yield Finding(str(passage), sentence[:80], f"{words} words: divide the sentence", 0)


def participles() -> Iterator[str]:
    """Yield the places of functions whose whole name is a participle.

    Only the files with such a name in a definition are parsed.
    """
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            if any(PARTICIPLES.fullmatch(name) for name in _DEFINITION.findall(source)):
                yield from _participles(path, source)


def _participles(path: Path, source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
            is_property = decorators & {"property", "cached_property"}
            named_here = not is_property and node.name not in _CALLBACKS
            if named_here and PARTICIPLES.fullmatch(node.name):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
