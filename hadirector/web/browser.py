"""Refuses requests that another site makes a browser send. Pure.

A name that an attacker controls can resolve to the address of a director (DNS rebinding), so only
known host names are served. An address needs no such check: no attacker controls it. Cookies are
sent by browsers on their own, so a change that a cookie proves needs the marks of a request of our
own page (Fetch Metadata Request Headers, W3C).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from typing import Final

_SAME_SITE: Final = frozenset({"same-origin", "none"})


def host_fault(host: str | None, names: Collection[str]) -> str | None:
    """Return why the header Host is not accepted, or None. ``names`` are in lower case."""
    if not host:
        return "the request has no header Host"
    name = split_host(host)
    if name in names or name == "localhost" or _is_address(name):
        return None
    return f"this director does not know the host name {name[:100]} (api.host_names lists more)"


def origin_fault(method: str, headers: Mapping[str, str], scheme: str) -> str | None:
    """Return why a request comes from another site, or None.

    A link on another site may open our page. A client that is no browser sends none of the headers.
    """
    if method == "GET" and headers.get("Sec-Fetch-Mode") == "navigate":
        return None
    origin = headers.get("Origin")
    if origin is not None and origin != f"{scheme}://{headers.get('Host', '')}":
        return f"the request comes from the origin {origin[:100]}"
    site = headers.get("Sec-Fetch-Site")
    if site is not None and site not in _SAME_SITE:
        return f"the request comes from another site (Sec-Fetch-Site: {site[:20]})"
    return None


def split_host(host: str) -> str:
    """Return the name or the address in a header Host, in lower case and without the port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if ":" in host else host.lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
