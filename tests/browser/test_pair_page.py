"""The page of the standby director, while the active director dies."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from playwright.async_api import expect

from hadirector.web.tokens import Token, digest_of, format_tokens
from tests.browser.conftest import Open
from tests.lab.loopback import RunningDirector, free_ports
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
            await expect(page.get_by_role("table")).to_contain_text("state ACTIVE")
            assert time.monotonic() - began < 1.0
            await page.get_by_role("link", name="Servers").click()
            await expect(row).to_contain_text("ACTIVE")
    finally:
        active.end()
        standby.end()
