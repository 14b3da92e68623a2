"""Formats values for the native configuration: durations, endpoints and lists."""

from __future__ import annotations

from collections.abc import Iterable

from hadirector.config.keepalived.node import Node, scalar, sequence
from hadirector.config.keepalived.syntax.statement import Place
from hadirector.model import ipvs


def duration(seconds: float) -> str:
    """Format a duration in seconds, such as 60s or 0.5s."""
    return f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"


def endpoint(address: str, port: int | None) -> str:
    """Format an address with its port, or the address alone if the port is None."""
    return address if port is None else ipvs.endpoint(address, port)


def words(place: Place, values: Iterable[str]) -> Node:
    """Make a sequence of texts that all have the same place."""
    return sequence(place, [scalar(value, place) for value in values])
