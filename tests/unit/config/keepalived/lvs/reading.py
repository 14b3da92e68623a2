"""Reads texts and files with virtual servers, as the director does, and returns the outcome."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from hadirector.config.build import build
from hadirector.config.document.document import Document
from hadirector.config.document.explain import explain
from hadirector.config.keepalived.node import plain
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.read import read
from hadirector.config.rules import findings
from hadirector.config.schema import Root
from hadirector.model.configuration import Configuration
from tests.unit.config.keepalived.syntax.reading import FakeFiles


class Outcome(NamedTuple):
    """The native form, the faults, the kinds of notes with their places, the configuration."""

    value: dict[str, Any]
    faults: list[str]
    notes: list[tuple[str, str]]
    configuration: Configuration | None

    @property
    def server(self) -> dict[str, Any]:
        """The only virtual server."""
        [server] = self.value["virtual_servers"]
        assert isinstance(server, dict)
        return server

    @property
    def check(self) -> Any:
        """The check that all real servers of the only virtual server have."""
        return self.server["check"]


def read_text(text: str, *, accepted: str = "", own_defaults: bool = False) -> Outcome:
    """Read a text as the file k."""
    options = Options("lb1", frozenset(accepted.split()), own_defaults=own_defaults)
    reading = read(text.encode(), "k", FakeFiles(), options)
    faults = [str(fault) for fault in reading.document.faults]
    notes = [(f"{note.place.line}:{note.place.column}", note.kind) for note in reading.notes]
    configuration = _judge(reading.document, faults)
    return Outcome(plain(reading.root), faults, notes, configuration)


def read_file(file: Path) -> Outcome:
    """Read a file of the corpus."""
    return read_text(file.read_text())


def _judge(document: Document, faults: list[str]) -> Configuration | None:
    """Add the faults of the schema and the rules; return the configuration if there is none."""
    try:
        root = Root.model_validate(document.value)
    except ValidationError as error:
        faults += map(str, explain(error.errors(include_url=False), document, Root))
        return None
    faults += [f"{document.place(finding.path)}: {finding.message}" for finding in findings(root)]
    return None if faults else build(root, "lb1")


def read_pool(*lines: str, real_server: str = "TCP_CHECK {\n}", **options: bool) -> Outcome:
    """Read a virtual server with these lines and one real server."""
    text = "\n".join(
        (
            "virtual_server 192.0.2.1 80 {",
            *lines,
            "protocol TCP",
            "real_server 198.51.100.11 80 {",
            real_server,
            "}",
            "}",
        )
    )
    return read_text(text, own_defaults=options.get("own_defaults", False))
