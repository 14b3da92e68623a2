"""Collects the prose of the project: documents, docstrings, comments and texts for people."""

from __future__ import annotations

import ast
import inspect
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
QUOTES_THE_BANNED = "docs/style.md"
DOCUMENTS = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs", "configs")
PACKAGES = ("hadirector", "vrrp", "checks")
_CODE = re.compile(r"```.*?```|``[^`]*``|`[^`]*`|https?://\S+", re.DOTALL)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


class Passage(NamedTuple):
    """One piece of prose, with the file and line where it begins."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def passages() -> Iterator[Passage]:
    """Yield every piece of prose that the language rules apply to."""
    yield from passages_of_documents()
    for package in PACKAGES:
        yield from passages_of_package(package)


def passages_of_documents() -> Iterator[Passage]:
    """Yield the prose of the documents and examples."""
    for path in documents():
        yield from _document(path)


def passages_of_package(package: str) -> Iterator[Passage]:
    """Yield the docstrings, the comments and the texts for people of a package."""
    for path in sorted((ROOT / package).rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        nodes = list(ast.walk(ast.parse(source)))  # one walk, which takes longer than all the rest
        yield from docstrings(path, nodes)
        yield from comments(path, source)
        yield from texts(path, nodes)


def documents() -> list[Path]:
    """Return the documents, with the alert rules and comments of the examples.

    docs/style.md is left out, because it quotes the texts that it bans.
    """
    found: list[Path] = []
    for name in DOCUMENTS:
        path = ROOT / name
        if path.is_dir():
            found += sorted([*path.rglob("*.md"), *path.rglob("*.yaml")])
        elif path.exists():
            found.append(path)
    return [path for path in found if path != ROOT / QUOTES_THE_BANNED]


def _document(path: Path) -> Iterator[Passage]:
    """Yield the paragraphs and table cells of a Markdown file, or the texts of a YAML file."""
    name = str(path.relative_to(ROOT))
    read = _yaml_lines if path.suffix == ".yaml" else _markdown_lines
    start, lines = 0, list[str]()
    for number, line in read(path.read_text(encoding="utf-8")):
        is_cell = line.startswith("|")
        begins = line[:1] in ("", "|", "-", "*", "#", ">") or re.match(r"\d+\. ", line) is not None
        if begins and lines:
            yield Passage(name, start, plain(" ".join(lines)))
            lines = []
        if is_cell:
            for cell in line.strip("|").split("|"):
                yield Passage(name, number, plain(cell))
        elif line:
            start = start if lines else number
            lines.append(line.lstrip("#>-* "))
    if lines:
        yield Passage(name, start, plain(" ".join(lines)))


def _markdown_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines, with code replaced by empty lines."""
    in_code = False
    for number, line in enumerate(text.splitlines(), 1):
        fence = line.lstrip().startswith("```")
        yield number, "" if in_code or fence or line.startswith("    ") else line.strip()
        in_code = in_code is not fence


def _yaml_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the numbered comments and summaries."""
    for number, line in enumerate(text.splitlines(), 1):
        comment = line.partition("#")[2].strip()
        yield number, line.partition("summary:")[2].strip() or comment


def docstrings(path: Path, nodes: Sequence[ast.AST]) -> Iterator[Passage]:
    """Yield the docstrings of a module with these nodes, also those that follow an assignment."""
    for node in nodes:
        for statement in _statements(node):
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                value = statement.value.value
                if isinstance(value, str):
                    for paragraph in inspect.cleandoc(value).split("\n\n"):
                        if all(line.startswith("    ") for line in paragraph.splitlines()):
                            continue  # a literal block
                        text = plain(" ".join(paragraph.split()))
                        yield Passage(str(path.relative_to(ROOT)), statement.lineno, text)


def comments(path: Path, source: str) -> Iterator[Passage]:
    """Yield the comments of a module; comments on successive lines are one passage."""
    name, start, last, lines = str(path.relative_to(ROOT)), 0, -1, list[str]()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        text = re.sub(r"(noqa|type): ?\S+|^# ?-+|-+$", "", token.string.lstrip("# ")).strip()
        if token.start[0] != last + 1 and lines:
            yield Passage(name, start, plain(" ".join(lines)))
            lines = []
        if not lines:
            start = token.start[0]
        lines.append(text)
        last = token.start[0]
    if lines:
        yield Passage(name, start, plain(" ".join(lines)))


def texts(path: Path, nodes: Sequence[ast.AST]) -> Iterator[Passage]:
    """Yield the string literals that hold a sentence: help texts, messages, metric HELP texts."""
    left_out = {
        id(statement.value)
        for node in nodes
        for statement in _statements(node)
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    }
    left_out |= {
        id(value) for node in nodes if isinstance(node, ast.JoinedStr) for value in node.values
    }
    for node in nodes:
        text = ""
        if not isinstance(node, ast.Constant | ast.JoinedStr) or id(node) in left_out:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        elif isinstance(node, ast.JoinedStr):
            parts = (v.value if isinstance(v, ast.Constant) else "X" for v in node.values)
            text = "".join(map(str, parts))
        if len(text.split()) >= 3 and "\\" not in text:
            yield Passage(str(path.relative_to(ROOT)), node.lineno, plain(" ".join(text.split())))


def _statements(node: ast.AST) -> list[ast.stmt]:
    body = getattr(node, "body", None)
    return body if isinstance(body, list) else []


def plain(text: str) -> str:
    """Remove code spans, link targets and markup: the rules are for sentences."""
    return re.sub(r"\*\*|__", "", _CODE.sub("X", _LINK.sub(r"\1", text))).strip()
