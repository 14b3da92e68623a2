"""Overrides as resources: idempotent, all or nothing, and protected from lost updates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.api.served import Served, serve

PLACE = "/v1/virtual-servers/web/real-servers/10.0.0.2/override"
DRAIN = {"action": "drain", "reason": "kernel", "expires_in": 3600}


def names(content: Any) -> list[str]:
    return [each["name"] for each in content["overrides"]]


async def all_names(served: Served) -> list[str]:
    return names((await served.ask("GET", "/v1/overrides")).content)


async def test_an_override_is_set_read_replaced_and_removed(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        first = await served.ask("PUT", PLACE, DRAIN)
        assert first.status == 200
        assert first.content["name"] == "web/10.0.0.2:80"
        assert (first.content["state"], first.content["reason"]) == ("draining", "kernel")
        assert 3590 < first.content["expires_in"] <= 3600
        assert first.content["expires_at"].endswith("Z")
        read = await served.ask("GET", PLACE)
        assert read.headers["etag"] == first.headers["etag"] == f'"{first.content["etag"]}"'
        second = await served.ask("PUT", PLACE, {"action": "weight", "weight": 3})
        assert second.headers["etag"] != first.headers["etag"]
        assert (await served.ask("GET", PLACE)).content["weight"] == 3
        removed = await served.ask("DELETE", PLACE, {"reason": "done"})
        assert removed.content["removed"] == ["web/10.0.0.2:80"]
        assert (await served.ask("GET", PLACE)).code == "not-found"


async def test_an_update_of_an_override_that_has_changed_is_refused(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        old = (await served.ask("PUT", PLACE, DRAIN)).headers["etag"]
        assert (await served.ask("PUT", PLACE, DRAIN, If_Match=old)).status == 200
        refused = await served.ask("PUT", PLACE, {"action": "disable"}, If_Match=old)
        assert (refused.status, refused.code) == (412, "stale")
        assert (await served.ask("DELETE", PLACE, If_Match=old)).code == "stale"
        assert (await served.ask("GET", PLACE)).content["action"] == "drain"
        assert (await served.ask("PUT", PLACE, DRAIN, If_None_Match="*")).code == "stale"
        assert (await served.ask("DELETE", PLACE, If_Match="*")).status == 200
        assert (await served.ask("PUT", PLACE, DRAIN, If_Match="*")).code == "stale"
        assert (await served.ask("PUT", PLACE, DRAIN, If_None_Match="*")).status == 200


async def test_a_host_is_drained_in_all_its_pools_or_in_none(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        answer = await served.ask("POST", "/v1/overrides", {"real_server": "10.0.0.2", **DRAIN})
        assert names(answer.content) == ["mail/10.0.0.2:25", "web/10.0.0.2:80"]
        keep = {"real_server": "*", "action": "drain", "keep_clients": True}
        assert (await served.ask("POST", "/v1/overrides", keep)).code == "not-possible"
        assert await all_names(served) == ["mail/10.0.0.2:25", "web/10.0.0.2:80"]
        removal = {"real_server": "10.0.0.2", "virtual_server": "w*", "action": "drain"}
        await served.ask("POST", "/v1/overrides/remove", removal)
        assert await all_names(served) == ["mail/10.0.0.2:25"]


async def test_a_request_changes_a_limited_number_of_real_servers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hadirector.director.override_requests.BULK_MAX", 2)
    async with serve(tmp_path) as served:
        refused = await served.ask("POST", "/v1/overrides", {"real_server": "*", **DRAIN})
        assert refused.code == "not-possible"
        assert refused.content["detail"] == "3 real servers are selected (expected at most 2)"
        assert await all_names(served) == []


async def test_overrides_come_in_pages(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        await served.ask("POST", "/v1/overrides", {"real_server": "*", "action": "disable"})
        page = (await served.ask("GET", "/v1/overrides?limit=2")).content
        assert names(page) == ["mail/10.0.0.2:25", "web/10.0.0.1:80"]
        assert page["next"] == "web/10.0.0.1:80"
        page = (await served.ask("GET", f"/v1/overrides?after={page['next']}")).content
        assert (names(page), page["next"]) == (["web/10.0.0.2:80"], None)


@pytest.mark.parametrize(
    ("path", "suggestion"),
    [
        ("/v1/virtual-servers/wbe/real-servers/10.0.0.2/override", "web"),
        ("/v1/virtual-servers/web/real-servers/10.0.0.22/override", "web/10.0.0.2:80"),
    ],
)
async def test_a_name_that_does_not_exist_is_refused_with_a_similar_name(
    tmp_path: Path, path: str, suggestion: str
) -> None:
    async with serve(tmp_path) as served:
        answer = await served.ask("PUT", path, DRAIN)
        assert answer.code == "not-found"
        assert answer.content["errors"][0]["suggestion"] == suggestion


async def test_a_removal_of_another_action_is_refused(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        await served.ask("PUT", PLACE, DRAIN)
        assert (await served.ask("DELETE", f"{PLACE}?action=disable")).code == "not-possible"
        assert (await served.ask("DELETE", f"{PLACE}?action=drain")).status == 200


async def test_each_change_names_its_actor_and_the_claim(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        await served.ask("PUT", PLACE, DRAIN, Hadirector_Claimed="sudo:ann")
        [override] = served.director.overrides._parts.overrides.current.values()
        assert override.author.startswith("unix:")
        assert override.description.endswith("(claimed: sudo:ann): kernel")
