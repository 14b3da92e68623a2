"""Reads a ldirectord.cf as the command does, with names that are already resolved."""

from __future__ import annotations

from typing import Any

from hadirector.config.keepalived.ldirectord.document import translate_document
from hadirector.config.keepalived.ldirectord.names import Names
from hadirector.config.keepalived.ldirectord.syntax import read_lines
from hadirector.config.keepalived.node import plain
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.report import Report

NAMES = Names({("mail.example.org", False): "192.0.2.25"}, {"smtp": 25, "domain": 53, "http": 80})


def read(text: str, accepted: frozenset[str] = frozenset()) -> tuple[Any, Report]:
    report = Report()
    root = read_lines(text, "ld.cf", report)
    node = translate_document(root, "ld.cf", NAMES, report, Options("lb1", accepted))
    return plain(node), report


def read_virtual(*lines: str) -> tuple[dict[str, Any], Report]:
    """Read one virtual with a real server."""
    text = "\n        ".join(("virtual=192.0.2.1:80", "real=198.51.100.1:80 gate", *lines))
    found, report = read(f"quiescent=no\n{text}\n")
    [server] = found["virtual_servers"]
    return server, report


def faults(report: Report) -> list[str]:
    return [str(fault) for fault in report.faults]
