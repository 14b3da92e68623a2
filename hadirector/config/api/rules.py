"""Rules for the web process: what the file must have before other hosts can reach it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from hadirector.config.api.schema import ApiSection
from hadirector.config.document.errors import quote
from hadirector.config.document.finding import Claim, Finding, Path, duplicates


def api_findings(path: Path, api: ApiSection) -> Iterator[Finding]:
    """Yield the faults in the combination of the keys."""
    if api.listen is None:
        for key in ("tls", "tokens_file", "host_names", "public", "user"):
            if key in api.model_fields_set:
                yield Finding((*path, key), "has no effect without listen")
        return
    if not ipaddress.ip_address(api.listen.address).is_loopback:
        yield from _exposure_findings(path, api)
    if api.tls is not None:
        yield from _client_findings((*path, "tls"), api)


def _exposure_findings(path: Path, api: ApiSection) -> Iterator[Finding]:
    assert api.listen is not None
    where = (*path, "listen")
    found = f"{api.listen.address} is not a loopback address, so it needs"
    if "tls" not in api.model_fields_set:
        yield Finding(where, f"{found} TLS (add tls with certificate and key, or use 127.0.0.1)")
    if api.tokens_file is None and not (api.tls is not None and api.tls.clients):
        yield Finding(
            where,
            f"{found} tokens for its clients (add tokens_file, or tls.clients with client_ca)",
        )


def _client_findings(path: Path, api: ApiSection) -> Iterator[Finding]:
    tls = api.tls
    assert tls is not None
    if tls.clients and tls.client_ca is None:
        yield Finding((*path, "clients"), "has no effect without client_ca")
    if tls.client_ca is not None and not tls.clients:
        yield Finding((*path, "client_ca"), "has no effect without clients")
    yield from duplicates(
        Claim((*path, "clients", index, "name"), client.name, f"name {quote(client.name)}")
        for index, client in enumerate(tls.clients)
    )
