"""The files of the page, with their headers, compressed once."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Mapping
from importlib import resources
from typing import Final, NamedTuple

_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
_INLINE_SCRIPT: Final = re.compile(rb'<script type="importmap">(.*?)</script>', re.DOTALL)


class Page(NamedTuple):
    """One file: its content, plain and compressed, and its headers."""

    body: bytes
    compressed: bytes
    etag: str
    headers: Mapping[str, str]


def load_pages() -> dict[str, Page]:
    """Return the files by their paths. The page itself is at /."""
    root = resources.files("hadirector.web")
    index = root.joinpath("page", "index.html").read_bytes()
    policy = content_policy(index)
    pages = {"/": _make_page("html", index, policy)}
    for folder in ("page", "vendor"):
        for file in root.joinpath(folder).iterdir():
            extension = file.name.rpartition(".")[2]
            if extension in _TYPES and file.name != "index.html":
                pages[f"/{folder}/{file.name}"] = _make_page(extension, file.read_bytes(), policy)
    return pages


def content_policy(index: bytes) -> str:
    """Return the Content-Security-Policy (W3C CSP 3). Only our own files and the import map run."""
    hashes = "".join(
        f" 'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'"
        for text in _INLINE_SCRIPT.findall(index)
    )
    return (
        f"default-src 'none'; script-src 'self'{hashes}; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _make_page(extension: str, body: bytes, policy: str) -> Page:
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {
        "Content-Type": _TYPES[extension],
        "Content-Security-Policy": policy,
        "Cache-Control": "no-cache",
        "ETag": etag,
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    return Page(body, gzip.compress(body, 9, mtime=0), etag, headers)
