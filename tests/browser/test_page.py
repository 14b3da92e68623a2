"""The page of a live director in a real browser."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import FilePayload, Page, expect

from tests.browser.conftest import Open
from tests.lab.web_director import Site
from tests.waiting import eventually_async

OLD_SECONDS = 4.5
STALE_SECONDS = 12.0
HOSTILE = [
    "<img src=x onerror=\"document.title='owned'\">",
    "<script>document.title='owned'</script>",
    "'\"><svg/onload=document.title='owned'>",
    "javascript:document.title='owned'",
    "{{constructor.constructor('document.title=1')()}}",
]


def member(site: Site) -> str:
    return f"127.0.0.1:{site.web_server.port}"


def weight(site: Site) -> int | None:
    [server] = site.director.status().virtual_servers
    return server.real_servers[0].actual_weight


async def test_a_drain_by_button_reaches_the_table(site: Site, open_page: Open) -> None:
    await eventually_async(lambda: weight(site) == 1, 10, threaded=True)
    async with open_page(site.url) as page:
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name=member(site)))
        await expect(row).to_contain_text("in")
        await row.get_by_role("button", name="Drain").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_contain_text("0 of 1 real servers of web remain")
        await dialog.get_by_label("Reason").fill("kernel update")
        await dialog.get_by_role("button", name="Drain").click()
        await expect(row).to_contain_text("draining")
        [server] = site.director.status().virtual_servers
        assert server.real_servers[0].override == "drain"
        await page.get_by_role("link", name="Timeline").click()
        timeline = page.get_by_role("table", name="Events, the latest first")
        await expect(timeline).to_contain_text("kernel update")
        assert site.events("change_made")[-1]["actor"] == "token:operate"
        await page.get_by_role("link", name="Servers").click()
        await row.get_by_role("button", name="Undo").click()
        await dialog.get_by_label("Reason").fill("done")
        await dialog.get_by_role("button", name="Undo").click()
        await expect(row).not_to_contain_text("draining")


async def test_a_new_page_has_a_past(site: Site, open_page: Open) -> None:
    """The web process has counted for 10 s before the page is opened."""
    points: list[int] = []

    async def count() -> None:
        async with site.client("read") as client, client.get("/page/past.json") as answer:
            points[:] = (await answer.json())["connections"].get("web", [])

    async with asyncio.timeout(30):
        while len(points) < 3:
            await asyncio.sleep(0.5)
            await count()
    opened = time.monotonic()
    async with open_page(site.url) as page:
        line = page.get_by_role("img", name="connections of web").locator("polyline")
        await line.wait_for(state="attached")
        assert time.monotonic() - opened < 4.0
        drawn = await line.get_attribute("points") or ""
        assert len(drawn.split()) >= 3
    assert await site.status_of("", "/page/past.json") == 401


async def test_a_verdict_is_in_the_timeline_within_a_second(site: Site, open_page: Open) -> None:
    await eventually_async(lambda: weight(site) == 1, 10, threaded=True)
    async with open_page(f"{site.url}/#/events") as page:
        await expect(page.get_by_text("● live")).to_be_visible()
        site.web_server.kill()
        await eventually_async(lambda: site.events("quorum_lost"), 5)
        began = time.monotonic()
        await expect(page.get_by_role("table")).to_contain_text("quorum lost")
        assert time.monotonic() - began < 1.0
        await page.get_by_role("link", name="Servers").click()
        await expect(page.get_by_role("banner")).to_contain_text("CRITICAL")


async def test_old_figures_are_marked_and_nothing_can_be_changed(
    site: Site, open_page: Open
) -> None:
    """The director is frozen: its figures become gray, then striped, and its verdict unknown."""
    await eventually_async(lambda: weight(site) == 1, 10, threaded=True)
    async with open_page(site.url, faultless=False) as page:
        await expect(page.locator(".fresh .state.good").first).to_be_visible()
        os.kill(site.director.process.pid, signal.SIGSTOP)
        try:
            await expect(page.locator(".old")).to_be_visible(timeout=OLD_SECONDS * 1000)
            await expect(page.get_by_role("banner")).to_contain_text("as of")
            soft = await color(page, "small")
            assert await color(page, "main .state.good") == soft, "not current, so not green"
            await expect(page.locator(".stale")).to_be_visible(timeout=STALE_SECONDS * 1000)
            await expect(page.get_by_role("banner")).to_contain_text("not known")
            await expect(page.get_by_role("button", name="Drain")).to_be_disabled()
            await expect(page.get_by_text("changes are disabled")).to_be_visible()
        finally:
            os.kill(site.director.process.pid, signal.SIGCONT)
        await expect(page.locator(".fresh")).to_be_visible(timeout=20_000)
        await expect(page.get_by_role("button", name="Drain")).to_be_enabled(timeout=20_000)


async def color(page: Page, selector: str) -> str:
    found = page.locator(selector).first
    return str(await found.evaluate("element => getComputedStyle(element).color"))


async def test_a_reader_sees_no_controls(site: Site, open_page: Open) -> None:
    async with open_page(site.url, "read") as page:
        await expect(page.get_by_role("button", name="Log out")).to_be_visible()
        assert await page.get_by_role("button").count() == 1
        await page.get_by_role("button", name="Log out").click()
        await expect(page.get_by_label("Token")).to_be_visible()


async def test_hostile_texts_are_shown_as_texts(site: Site, open_page: Open) -> None:
    path = f"/v1/virtual-servers/web/real-servers/{member(site)}/override"
    async with open_page(f"{site.url}/#/events") as page, site.client("operate") as client:
        for text in HOSTILE:
            async with client.put(path, json={"action": "drain", "reason": text}) as answer:
                assert answer.status == 200, await answer.text()
            await expect(page.get_by_role("table")).to_contain_text(text)
        await page.goto(f"{site.url}/#/servers/web/{member(site)}")
        await expect(page.get_by_role("heading", name="Why it has this weight")).to_be_visible()
        assert "owned" not in await page.title()
        assert await page.locator("img, main svg, main script").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(site: Site, open_page: Open, scheme: str) -> None:
    axe = Axe()
    async with open_page(site.url, color_scheme=scheme) as page:
        for path in ("#/", "#/events", "#/plan", "#/servers/web", f"#/servers/web/{member(site)}"):
            await page.goto(f"{site.url}/{path}")
            await page.wait_for_timeout(500)
            found = await axe.run(page)
            assert found.violations_count == 0, found.generate_report()
        await page.goto(f"{site.url}/#/")
        await page.get_by_role("button", name="Drain").click()
        found = await axe.run(page)
        assert found.violations_count == 0, found.generate_report()


async def test_the_keyboard_finds_a_server_and_the_address_is_the_state(
    site: Site, open_page: Open
) -> None:
    async with open_page(site.url) as page:
        await page.keyboard.press("/")
        await page.keyboard.type("nothing like this")
        await expect(page.get_by_role("link", name=member(site))).to_have_count(0)
        await page.get_by_label("Filter").fill("web")
        await page.get_by_role("link", name="web", exact=True).click()
        assert page.url == f"{site.url}/#/servers/web"
        await page.reload()
        await expect(page.get_by_role("heading", name="web")).to_be_visible()


async def test_a_narrow_screen_needs_no_scrolling_sideways(site: Site, open_page: Open) -> None:
    async with open_page(site.url, viewport={"width": 320, "height": 640}) as page:
        for path in ("#/", "#/events", "#/plan", f"#/servers/web/{member(site)}"):
            await page.goto(f"{site.url}/{path}")
            await page.wait_for_timeout(500)
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width <= 320, path


async def test_a_configuration_is_planned_applied_and_confirmed(
    site: Site, open_page: Open
) -> None:
    changed = site.text.replace("scheduler: rr", "scheduler: wrr")
    async with open_page(f"{site.url}/#/plan", "admin", faultless=False) as page:
        await page.get_by_label("Configuration").fill("virtual_servers: 3")
        await page.get_by_role("button", name="Show the changes").click()
        await expect(page.get_by_role("alert")).to_contain_text("fault")
        other = FilePayload(name="new.yaml", mimeType="application/yaml", buffer=changed.encode())
        await page.get_by_label("Another file").set_input_files(other)
        await expect(page.get_by_label("Configuration")).to_have_value(changed)
        await page.get_by_role("button", name="Show the changes").click()
        await expect(page.get_by_text("virtual server web")).to_be_visible()
        await page.get_by_label("Reason").fill("weights")
        await page.get_by_role("button", name="Apply").click()
        await expect(page.get_by_text("waits for its confirmation")).to_be_visible()
        await page.get_by_role("button", name="Confirm").click()
        await expect(page.get_by_text("waits for its confirmation")).to_have_count(0)
        assert site.director.file.read_text() == changed
        [server] = site.director.status().virtual_servers
        assert server.scheduler == "wrr"


LARGE = """\
director: {{name: lb1, dataplane: dry-run, runtime_directory: {directory}/run}}
api: {{listen: 127.0.0.1:{port}, tokens_file: {tokens}}}
virtual_servers:
{servers}
"""


@pytest.mark.timeout(180)
async def test_ten_thousand_real_servers_stay_usable(tmp_path: Path, open_page: Open) -> None:
    """An update takes less than 100 ms of scripting. The rest of the time the page answers."""
    site = Site(tmp_path)
    site.director.end()
    servers = "".join(
        f"  - name: pool{pool}\n    address: 10.1.0.{pool}:80\n    scheduler: rr\n"
        "    forwarding: nat\n    check: none\n    real_servers:\n"
        + "".join(f"      - {{address: 10.2.{pool}.{host}}}\n" for host in range(1, 251))
        for pool in range(1, 41)
    )
    site.director.file.write_text(
        LARGE.format(
            directory=site.director.directory, port=site.port, tokens=site.tokens, servers=servers
        )
    )
    site.director.start_again()
    try:
        await eventually_async(site.director.answers, 60, threaded=True)
        await eventually_async(lambda: site.events("web_port_opened"), 10)
        async with open_page(f"{site.url}/#/servers/pool7", "read") as page:
            session = await page.context.new_cdp_session(page)
            await session.send("Performance.enable")
            before = await scripting(session)
            await asyncio.sleep(10)
            assert (await scripting(session) - before) / 10 < 0.1
            began = time.monotonic()
            await page.get_by_label("Filter").fill("10.2.7.123")
            await expect(page.get_by_role("row")).to_have_count(2)
            assert time.monotonic() - began < 2.0
    finally:
        site.end()


async def scripting(session: object) -> float:
    metrics = await session.send("Performance.getMetrics")  # type: ignore[attr-defined]
    values = {each["name"]: each["value"] for each in metrics["metrics"]}
    return float(values["ScriptDuration"])
