"""Keeps the hashes of the current configuration, for peers and for the fleet."""

from __future__ import annotations

import asyncio

from hadirector.dataplane.slices import Slices
from hadirector.model.configuration import Configuration
from hadirector.pair.configuration_hashes import hash_sections, join_hashes
from hadirector.pair.state import ConfigurationHashes
from hadirector.sources.expansion import expand


class HashedConfiguration:
    """The hashes of the latest configuration. They are made once for each configuration."""

    def __init__(self) -> None:
        self._latest: tuple[Configuration, ConfigurationHashes] | None = None
        self._hashing = asyncio.Lock()

    async def hashes(self, configuration: Configuration) -> ConfigurationHashes:
        """Return the hashes of a configuration."""
        async with self._hashing:
            if self._latest is None or self._latest[0] is not configuration:
                slices, sections = Slices(rest=True), {}
                # The members of sources are no part of the file, and differ while one director is
                # ahead.
                for name, found in hash_sections(expand(configuration, {})):
                    sections[name] = found
                    await slices.pause()
                self._latest = configuration, join_hashes(sections)
            return self._latest[1]
