"""The page of the standby director: both directors of the pair, and the death of the active one."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, Route, expect

from hadirector.web.tokens import Token, digest_of, format_tokens
from tests.browser.conftest import Open
from tests.lab.loopback import RunningDirector, free_ports
from tests.lab.paired_directors import make_certificate
from tests.waiting import eventually_async

CONFIGURATION = """
director: {{name: {name}, dataplane: userspace, runtime_directory: {directory}/run}}
{api}
vrrp:
  - name: edge
    interface: lo
    virtual_router_id: 51
    priority: {priority}
    advert_interval: 200ms
    virtual_addresses: [127.0.0.111]
    transport: udp
    unicast: {{source: {source}, peers: [{peer}], port: {port}}}
"""


@pytest.mark.netns
async def test_a_takeover_is_on_the_page_within_a_second(tmp_path: Path, open_page: Open) -> None:
    port, web_port = free_ports(2)
    tokens = tmp_path / "tokens"
    tokens.write_bytes(format_tokens([Token("ann", "read", digest_of("read"))]))
    api = f"api: {{listen: '127.0.0.1:{web_port}', tokens_file: {tokens}}}"

    def start(name: str, priority: int, source: str, peer: str, api: str) -> RunningDirector:
        text = CONFIGURATION.format(
            name=name,
            directory=tmp_path / name,
            api=api,
            priority=priority,
            source=source,
            peer=peer,
            port=port,
        )
        return RunningDirector(tmp_path / name, text)

    active = start("lb1", 200, "127.0.1.1", "127.0.1.2", "")
    standby = start("lb2", 100, "127.0.1.2", "127.0.1.1", api)
    try:
        await eventually_async(active.is_active, 20, threaded=True)
        await eventually_async(lambda: standby.pid("web") is not None, 20, threaded=True)
        await eventually_async(lambda: "web_port_opened" in standby.log, 10)
        async with open_page(f"http://127.0.0.1:{web_port}", "read") as page:
            row = page.get_by_role("row").filter(has_text="edge")
            await expect(row).to_contain_text("BACKUP")
            os.killpg(active.process.pid, signal.SIGKILL)
            await eventually_async(lambda: '"state": "ACTIVE"' in standby.log, 5)
            began = time.monotonic()
            await page.get_by_role("link", name="Timeline").click()
            timeline = page.get_by_role("table", name="Events, the latest first")
            await expect(timeline).to_contain_text("state ACTIVE")
            assert time.monotonic() - began < 1.0
            await page.get_by_role("link", name="Servers").click()
            await expect(row).to_contain_text("ACTIVE")
    finally:
        active.end()
        standby.end()


LINK = """
pair:
  name: edge
  listen: {source}:{link}
  certificate: {files}/{name}.pem
  key: {files}/{name}.key
  peers:
    - {{name: lb1, address: "127.0.1.1:{link}", certificate: {files}/lb1.pem}}
    - {{name: lb2, address: "127.0.1.2:{link}", certificate: {files}/lb2.pem}}
"""


class PairSite:
    """Two directors with a pair link on loopback. One of them has a page, whose URL is ``url``."""

    def __init__(self, directory: Path, with_page: str) -> None:
        port, web_port, link = free_ports(3)
        self.url = f"http://127.0.0.1:{web_port}"
        self.running: dict[str, RunningDirector] = {}
        self._directory = directory
        tokens = directory / "tokens"
        tokens.write_bytes(format_tokens([Token("ann", "operate", digest_of("operate"))]))
        sources = {"lb1": "127.0.1.1", "lb2": "127.0.1.2"}
        self._texts = {}
        for name, priority in (("lb1", 200), ("lb2", 100)):
            make_certificate(directory, name)
            [peer] = [source for other, source in sources.items() if other != name]
            web = f"api: {{listen: '127.0.0.1:{web_port}', tokens_file: {tokens}}}"
            pair = LINK.format(source=sources[name], link=link, files=directory, name=name)
            self._texts[name] = CONFIGURATION.format(
                name=name,
                directory=directory / name,
                api=f"{web * (name == with_page)}\n{pair}",
                priority=priority,
                source=sources[name],
                peer=peer,
                port=port,
            )

    def start(self, name: str) -> RunningDirector:
        self.running[name] = RunningDirector(self._directory / name, self._texts[name])
        return self.running[name]

    def end(self) -> None:
        for each in self.running.values():
            each.end()


@pytest.mark.netns
async def test_the_page_shows_the_pair_and_orders_by_button(
    tmp_path: Path, open_page: Open
) -> None:
    site = PairSite(tmp_path, with_page="lb2")
    try:
        active, standby = site.start("lb1"), site.start("lb2")
        await eventually_async(lambda: "pair_peer_reached" in standby.log, 20)
        await eventually_async(active.is_active, 20, threaded=True)
        async with open_page(f"{site.url}/#/pair", "operate") as page:
            table = page.get_by_role("table", name="Directors of the pair edge")
            await expect(table.get_by_role("row").filter(has_text="VRID 51")).to_contain_text(
                "BACKUP"
            )
            await expect(table).to_contain_text("ACTIVE")
            sent = page.get_by_role("table", name="Advertisements")
            await expect(sent).to_contain_text("received, the last one")
            await page.get_by_role("button", name="Pause").click()
            dialog = page.get_by_role("dialog")
            await dialog.get_by_label("Reason").fill("kernel update")
            await dialog.get_by_label("For how many hours").fill("1")
            await dialog.get_by_role("button", name="Pause").click()
            await expect(table.get_by_role("row").filter(has_text="Pause")).to_contain_text(
                "kernel update"
            )
            await expect(page.get_by_role("button", name="Resume")).to_be_enabled()
            assert (await Axe().run(page)).violations_count == 0
            os.killpg(active.process.pid, signal.SIGKILL)
            await expect(table).to_contain_text("was ACTIVE", timeout=20_000)
            await expect(table).to_contain_text("lost")
    finally:
        site.end()


@pytest.mark.netns
async def test_a_handover_and_a_drill_by_button(tmp_path: Path, open_page: Open) -> None:
    """Without a ready standby, the dialog has the list of reasons. The drill lasts 5 s, not 30."""
    site = PairSite(tmp_path, with_page="lb1")
    try:
        active = site.start("lb1")
        await eventually_async(active.is_active, 20, threaded=True)
        await eventually_async(lambda: "web_port_opened" in active.log, 20)
        async with open_page(f"{site.url}/#/pair", "operate", faultless=False) as page:
            await page.route("**/v1/drills", shorten_drill)
            dialog = page.get_by_role("dialog")
            for button in ("Hand over", "Drill"):
                await give_order(page, button, "quarterly")
                await expect(dialog.get_by_role("alert")).to_contain_text("lb2 is not reached")
                await dialog.get_by_role("button", name="Cancel").click()
            assert active.is_active()

            standby = site.start("lb2")
            table = page.get_by_role("table", name="Directors of the pair edge")
            instance = table.get_by_role("row").filter(has_text="VRID 51")
            await expect(instance).to_contain_text("BACKUP", timeout=20_000)
            ready = table.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Ready"))
            await expect(ready.get_by_text("yes")).to_have_count(2, timeout=20_000)
            await give_order(page, "Drill", "quarterly")
            await expect(dialog).to_have_count(0)
            await eventually_async(standby.is_active, 10, threaded=True)
            await page.get_by_role("link", name="Timeline").click()
            timeline = page.get_by_role("table", name="Events, the latest first")
            ended = timeline.get_by_role("row").filter(has_text="drill ended")
            await expect(ended).to_contain_text("state passed", timeout=30_000)
            await expect(ended).to_contain_text("reason quarterly")
            await expect(ended).to_contain_text("actor token:ann")

            await page.get_by_role("link", name="Pair").click()
            await give_order(page, "Hand over", "kernel update")
            await expect(dialog).to_have_count(0)
            await eventually_async(standby.is_active, 10, threaded=True)
            await give_order(page, "Undo the handover", "done", confirm="Undo")
            await eventually_async(active.is_active, 20, threaded=True)
            await page.get_by_role("link", name="Timeline").click()
            await expect(timeline).to_contain_text("kernel update")
    finally:
        site.end()


async def give_order(page: Page, button: str, reason: str, *, confirm: str = "") -> None:
    """Press a button of the pair, and confirm the order with this reason."""
    await page.get_by_role("button", name=button).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Reason").fill(reason)
    await dialog.get_by_role("button", name=confirm or button).click()


async def shorten_drill(route: Route) -> None:
    """Let a drill last for 5 s. The rest of the request stays."""
    body = json.loads(route.request.post_data or "")
    await route.continue_(post_data=json.dumps({**body, "seconds": 5}))
