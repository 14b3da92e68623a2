"""How to read a configuration file: the options of the commands that read one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class ReadingOptions(msgspec.Struct, frozen=True):
    """The options for a file with hosts and for a keepalived.conf.

    ``host`` is the name of the host in ``hosts``, or None for the host that the file and this host
    name (`hadirector.config.hosts.choice`). The other options are those of a keepalived.conf
    (`hadirector.config.keepalived.options`). ``config_id`` is None for the name of this host up to
    the first dot.
    """

    config_id: str | None = None
    accepted: frozenset[str] = frozenset()
    strict: bool = False
    own_defaults: bool = False
    host: str | None = None

    def encode(self) -> str:
        """Return the options as one argument of the reading process."""
        return msgspec.json.encode(self).decode()


def decode_options(argument: str) -> ReadingOptions:
    """Return the options of an argument. Raises msgspec.DecodeError."""
    return msgspec.json.decode(argument, type=ReadingOptions)


def accepted_keywords(arguments: Sequence[str]) -> frozenset[str]:
    """Return the keywords of ``--accept``, which may stand several times or with commas."""
    return frozenset(word for each in arguments for word in each.split(",") if word)


DEFAULT = ReadingOptions()
