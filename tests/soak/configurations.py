"""Mutated configuration files, made from the examples."""

from __future__ import annotations

from pathlib import Path

from hadirector.config.document.errors import ConfigError
from hadirector.config.loader import parse
from hadirector.model.configuration import Configuration

_EXAMPLES = Path(__file__).parents[2] / "configs"


class Configurations:
    """The reader of the configuration."""

    name = "configuration"

    def __init__(self) -> None:
        self.samples = [file.read_bytes() for file in sorted(_EXAMPLES.glob("*.yaml"))]

    def take(self, data: bytes) -> str:
        """Read a file; return a word for the result."""
        outcome = self._read(data)
        if isinstance(outcome, Configuration):
            return "accepted"
        assert outcome.faults
        assert all("\n" not in str(fault) for fault in outcome.faults)
        return "refused"

    def _read(self, data: bytes) -> Configuration | ConfigError:
        try:
            return parse(data, "f", "host")
        except ConfigError as error:
            return error

    def mend(self, data: bytes) -> bytes:
        """Remove bytes that no text contains, so that the file reaches the YAML parser."""
        return data.decode(errors="ignore").encode()
