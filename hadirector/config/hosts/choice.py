"""Chooses the host of a file with the key ``hosts``. Pure."""

from __future__ import annotations

from collections.abc import Collection

from hadirector.config.document.document import Document
from hadirector.config.document.errors import ConfigError, Fault, quote
from hadirector.config.hosts.merge import HOSTS, director_name


def choose_host(
    document: Document, names: Collection[str], option: str | None, host_name: str
) -> str | None:
    """Return the name of the host section for this director; None for a file without hosts.

    The first of these values decides: ``option``, the value of ``--host``; ``director.name``;
    ``host_name``, the name of this host, whole or up to its first dot. Raises ConfigError if no
    section has that name. `split_hosts` has compared ``director.name`` with the names.
    """
    if not names:
        if option is not None:
            message = f'no section for --host {quote(option)}: the file has no key "{HOSTS}"'
            raise ConfigError([Fault(document.place(()), message)])
        return None
    if option is not None:
        if option not in names:
            raise _unknown(document, names, option, "--host")
        return option
    if (own := director_name(document)) is not None:
        return own
    wanted = (host_name, host_name.partition(".")[0])
    found = next((name for name in wanted if name in names), None)
    if found is None:
        raise _unknown(document, names, host_name, "the name of this host")
    return found


def _unknown(document: Document, names: Collection[str], name: str, source: str) -> ConfigError:
    message = (
        f"{HOSTS}: no section for {quote(name)}, which is {source} (the file has"
        f" {', '.join(names)}); --host NAME chooses a section"
    )
    return ConfigError([Fault(document.key_place((HOSTS,)), message)])
