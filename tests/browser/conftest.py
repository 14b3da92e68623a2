"""A real Chromium without a window, and a director whose page it shows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.lab.web_director import Site

FLAGS = [
    "--no-sandbox",  # tests run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
Open = Callable[..., AbstractAsyncContextManager[Page]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test in this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    path = which("chromium")
    assert path is not None, "Chromium is missing: apt-get install chromium"
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        await launched.close()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with Site.running(tmp_path) as made:
        yield made


class Faults:
    """What no page may do: errors on the console, and requests to another place."""

    def __init__(self, page: Page, url: str) -> None:
        self.found: list[str] = []
        page.on("console", lambda line: self._note(line.type == "error", line.text))
        page.on("pageerror", lambda error: self._note(True, str(error)))
        page.on("request", lambda request: self._note(self._is_foreign(request.url), request.url))
        self._url = url

    def _is_foreign(self, url: str) -> bool:
        return not url.startswith((self._url, "data:"))

    def _note(self, wrong: bool, text: str) -> None:  # a callback
        if wrong:
            self.found.append(text)


@pytest.fixture
def open_page(browser: Browser) -> Open:
    """Open the page of a director with a token; at the end, the page must have no faults."""

    @asynccontextmanager
    async def opened(
        url: str, token: str = "operate", *, faultless: bool = True, **options: Any
    ) -> AsyncIterator[Page]:
        context = await browser.new_context(**options)
        page = await context.new_page()
        faults = Faults(page, url.partition("/#")[0])
        await page.goto(url)
        if token:
            await page.get_by_label("Token").fill(token)
            await page.get_by_role("button", name="Log in").click()
            await page.get_by_role("button", name="Log out").wait_for()
        yield page
        await context.close()
        assert not faultless or faults.found == []

    return opened
