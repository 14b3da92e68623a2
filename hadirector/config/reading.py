"""The options of all commands that read a configuration file."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class ReadingOptions(msgspec.Struct, frozen=True):
    """The options for a file with hosts, and for a keepalived.conf.

    ``host`` is the name of the host in ``hosts``. With None, the file and the name of this host
    decide (`hadirector.config.hosts.choice`). The other options are for a keepalived.conf
    (`hadirector.config.keepalived.options`). ``config_id`` None stands for the name of this
    host up to the first dot.
    """

    config_id: str | None = None
    accepted: frozenset[str] = frozenset()
    strict: bool = False
    own_defaults: bool = False
    host: str | None = None

    def encode(self) -> str:
        """Encode the options as one argument for the process that reads the file."""
        return msgspec.json.encode(self).decode()


def decode_options(argument: str) -> ReadingOptions:
    """Decode the options from this argument. Raises msgspec.DecodeError."""
    return msgspec.json.decode(argument, type=ReadingOptions)


def accepted_keywords(arguments: Sequence[str]) -> frozenset[str]:
    """Return the keywords of ``--accept``, which may be repeated or have a list with commas."""
    return frozenset(word for each in arguments for word in each.split(",") if word)


DEFAULT = ReadingOptions()
