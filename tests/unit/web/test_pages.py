"""The files of the page: their origin, their size, and the policy of the browser."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

from hadirector.web.pages import content_policy, load_pages

WEB = Path(__file__).parents[3] / "hadirector/web"
VENDORED = json.loads((WEB / "vendor/versions.json").read_text())
SCRIPTS = sorted((WEB / "page").glob("*.js"))


@pytest.mark.parametrize("entry", VENDORED, ids=lambda entry: str(entry["file"]))
def test_a_vendored_file_is_the_published_one(entry: dict[str, str]) -> None:
    content = (WEB / "vendor" / entry["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert (WEB / "vendor" / f"{entry['package']}.LICENSE").exists()


def test_every_vendored_script_is_listed() -> None:
    assert {path.name for path in (WEB / "vendor").glob("*.mjs")} == {
        entry["file"] for entry in VENDORED
    }


def test_the_page_is_small() -> None:
    """Thirty kilobytes arrive at once even over a slow line."""
    pages = load_pages()
    assert sum(len(page.compressed) for page in pages.values()) < 30_000
    assert sum(len(path.read_text().splitlines()) for path in SCRIPTS) <= 800
    assert gzip.decompress(pages["/"].compressed) == pages["/"].body


def test_only_our_own_files_and_the_import_map_run() -> None:
    # printf %s '{"a": 1}' | openssl dgst -sha256 -binary | base64
    policy = content_policy(b'<script type="importmap">{"a": 1}</script>')
    assert policy == (
        "default-src 'none'; script-src 'self'"
        " 'sha256-+dhgKMbg1k4iUYb5astpM4ssWXZN95FiEH9cS7NNExA=';"
        " style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'"
    )


def test_every_file_has_the_headers() -> None:
    pages = load_pages()
    assert {"/", "/page/page.js", "/page/page.css", "/vendor/preact.mjs"} <= pages.keys()
    assert pages["/"].headers["Content-Type"] == "text/html; charset=utf-8"
    assert pages["/vendor/preact.mjs"].headers["Content-Type"] == "text/javascript; charset=utf-8"
    for page in pages.values():
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_makes_markup_of_texts(path: Path) -> None:
    """A hostile text from a backend stays a text. No script needs a looser policy."""
    text = path.read_text()
    for word in ("innerHTML", "outerHTML", "document.write", "insertAdjacent", "eval("):
        assert word not in text
    assert "dangerouslySet" not in text
    assert not re.search(r"https?://", text), "the page makes no request to another site"
