"""The overview, pools, instances, handovers and health, through the real socket."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hadirector.api.actor import permits
from hadirector.api.resources.status import MetricsQuery
from hadirector.status.metrics import EXTRA_SCOPES, SCOPES
from tests.builders import an_instance
from tests.unit.api.served import Served, serve, two_pools

HANDOVER = "/v1/instances/web/handover"


async def test_the_overview_is_not_sent_again_without_a_change(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        first = await served.ask("GET", "/v1/overview")
        assert [row["name"] for row in first.content["virtual_servers"]] == ["web", "mail"]
        assert first.content["virtual_servers"][0]["real_servers"] == 2
        assert first.content["verdict"]["level"] in ("OK", "DEGRADED", "CRITICAL")
        tag = first.headers["etag"]
        second = await served.ask("GET", "/v1/overview", If_None_Match=f'"other", {tag}')
        assert (second.status, second.content, second.headers["etag"]) == (304, b"", tag)


async def test_a_change_gives_the_overview_another_generation(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        before = await served.ask("GET", "/v1/overview")
        place = "/v1/virtual-servers/web/real-servers/10.0.0.1/override"
        await served.ask("PUT", place, {"action": "disable"})
        after = await served.ask("GET", "/v1/overview", If_None_Match=before.headers["etag"])
        assert after.status == 200
        assert after.content["generation"] == before.content["generation"] + 1
        assert after.content["virtual_servers"][0]["overridden"] == 1


async def test_virtual_servers_and_real_servers_come_in_pages(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        page = (await served.ask("GET", "/v1/virtual-servers?limit=1")).content
        assert [row["name"] for row in page["virtual_servers"]] == ["mail"]
        assert page["next"] == "mail"
        page = (await served.ask("GET", "/v1/virtual-servers?limit=1&after=mail")).content
        assert [row["name"] for row in page["virtual_servers"]] == ["web"]
        assert page["next"] is None
        members = (await served.ask("GET", "/v1/virtual-servers/web/real-servers?limit=1")).content
        assert [row["address"] for row in members["real_servers"]] == ["10.0.0.1:80"]
        assert members["next"] == "10.0.0.1:80"


async def test_a_state_selects_real_servers(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        path = "/v1/virtual-servers/web/real-servers?state="
        assert len((await served.ask("GET", f"{path}passing")).content["real_servers"]) == 2
        assert (await served.ask("GET", f"{path}failing")).content["real_servers"] == []
        refused = await served.ask("GET", f"{path}broken")
        assert refused.code == "malformed"
        assert refused.content["errors"][0]["parameter"] == "state"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/virtual-servers/web",
        "/v1/virtual-servers/web/why",
        "/v1/virtual-servers/web/real-servers/10.0.0.1",
        "/v1/virtual-servers/web/real-servers/10.0.0.1%3A80/why",
        "/v1/instances",
        "/v1/instances/web",
        "/v1/instances/web/why",
        "/v1/status",
        "/livez",
    ],
)
async def test_each_object_is_described(tmp_path: Path, path: str) -> None:
    async with serve(tmp_path, two_pools(tmp_path, vrrp=(an_instance(),))) as served:
        answer = await served.ask("GET", path)
        assert answer.status == 200
        assert answer.headers["content-type"] == "application/json"
        head = await served.ask("HEAD", path)
        assert (head.status, head.content) == (200, b"")


async def test_the_status_of_one_virtual_server_has_no_other(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        answer = await served.ask("GET", "/v1/status?virtual_server=mail")
        assert [each["name"] for each in answer.content["virtual_servers"]] == ["mail"]
        assert answer.content["name"] == "lb1"
        unknown = await served.ask("GET", "/v1/status?virtual_server=mial")
        assert (unknown.status, unknown.code) == (404, "not-found")
        assert "did you mean mail?" in unknown.content["detail"]


async def test_a_scrape_chooses_the_parts_and_the_format_of_the_metrics(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        whole = (await served.ask("GET", "/metrics")).content.decode()
        assert "hadirector_build_info" in whole
        assert "hadirector_real_server_up" in whole
        part = await served.ask("GET", "/metrics?scope=real_servers,virtual_servers")
        names = {
            line.split()[2] for line in part.content.decode().splitlines() if line[:6] == "# TYPE"
        }
        assert {name.split("_")[1] for name in names} == {"real", "virtual"}
        openmetrics = await served.ask("GET", "/metrics", Accept="application/openmetrics-text")
        assert openmetrics.content.endswith(b"# EOF\n")
        unknown = await served.ask("GET", "/metrics?scope=servers")
        assert (unknown.status, unknown.code) == (400, "malformed")
        assert unknown.content["errors"][0]["parameter"] == "scope"


async def test_an_event_and_a_history_entry_have_their_moment_as_rfc_3339(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        recorder = served.director.recorder
        recorder.event_log.note(1796040000.25, "director_started", {})
        recorder.history.note(1796040000.25, "director_started", {})
        [event] = (await served.ask("GET", "/v1/events")).content["events"]
        [entry] = (await served.ask("GET", "/v1/history")).content["entries"]
        assert event["at"] == entry["at"] == 1796040000.25
        assert event["time"] == entry["time"] == "2026-11-30T12:00:00.250Z"


async def test_without_receivers_there_are_no_alerts_and_nothing_to_test(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        assert (await served.ask("GET", "/v1/alerts")).content == {"alerts": [], "receivers": []}
        assert (await served.ask("POST", "/v1/alerts/test")).content == {"results": []}
        unknown = await served.ask("POST", "/v1/alerts/test", {"receiver": "ops"})
        assert (unknown.status, unknown.code) == (404, "not-found")


async def begin(served: Served, body: dict[str, object]) -> None:
    assert (await served.ask("PUT", HANDOVER, body)).status == 200


async def test_a_handover_has_a_reason_and_an_end(tmp_path: Path) -> None:
    async with serve(tmp_path, two_pools(tmp_path, vrrp=(an_instance(),))) as served:
        assert (await served.ask("GET", HANDOVER)).code == "not-found"
        await begin(served, {"reason": "new kernel", "expires_in": 60})
        await begin(served, {"reason": "new kernel", "expires_in": 120})
        handover = (await served.ask("GET", HANDOVER)).content
        assert (handover["instance"], handover["reason"]) == ("web", "new kernel")
        assert 115 < handover["expires_in"] <= 120
        assert handover["actor"].startswith("unix:")
        undone = await served.ask("DELETE", HANDOVER, {"reason": "done"})
        assert undone.content == {"instances": ["web"]}
        assert (await served.ask("GET", "/v1/handover")).content == {"handovers": []}


async def test_all_instances_are_handed_over_together(tmp_path: Path) -> None:
    instances = (an_instance(), an_instance(name="mail", virtual_router_id=52))
    async with serve(tmp_path, two_pools(tmp_path, vrrp=instances)) as served:
        answer = await served.ask("PUT", "/v1/handover")
        assert [each["instance"] for each in answer.content["handovers"]] == ["web", "mail"]
        assert served.director.handovers.current.keys() == {"web", "mail"}


async def test_a_handover_of_an_unknown_instance_names_a_similar_one(tmp_path: Path) -> None:
    async with serve(tmp_path, two_pools(tmp_path, vrrp=(an_instance(),))) as served:
        answer = await served.ask("PUT", "/v1/instances/wep/handover")
        assert answer.code == "not-found"
        assert answer.content["detail"] == (
            "no VRRP instance wep (there are: web); did you mean web?"
        )


async def test_a_router_asks_for_the_role_with_the_status_alone(tmp_path: Path) -> None:
    """An instance that has not reported yet is neither ACTIVE nor BACKUP."""
    async with serve(tmp_path, two_pools(tmp_path, vrrp=(an_instance(),))) as served:
        for role in ("active", "backup"):
            answer = await served.ask("GET", f"/instances/web/{role}")
            assert (answer.status, answer.code) == (503, "not-ready")
            assert (await served.ask("HEAD", f"/instances/web/{role}")).status == 503
        assert (await served.ask("GET", "/instances/wep/active")).status == 404


async def test_a_director_that_is_not_ready_lists_what_is_missing(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        answer = await served.ask("GET", "/readyz?verbose")
        assert (answer.status, answer.code) == (503, "not-ready")
        places = {fault["place"] for fault in answer.content["errors"]}
        assert places <= {"processes", "elections", "table", "verdicts", "visibility", "host"}
        assert "processes" in places


@pytest.mark.parametrize(
    ("only", "permitted"),
    [
        ((), True),
        (("web",), True),
        (("web/*",), True),
        (("w*/10.0.0.1:80",), True),
        (("mail", "web/10.0.0.1:80"), True),
        (("mail",), False),
        (("web/10.0.0.2:*",), False),
        (("*/10.0.0.1",), False),
    ],
)
def test_an_actor_may_be_limited_to_some_objects(only: tuple[str, ...], permitted: bool) -> None:
    assert permits(only, "web", "10.0.0.1:80") is permitted


def test_the_pattern_of_the_scopes_has_all_names() -> None:
    for scopes in (SCOPES + EXTRA_SCOPES, (), ("vrrp",)):
        query = msgspec.convert({"scope": ",".join(scopes)}, MetricsQuery)
        assert query.scope == ",".join(scopes)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"scope": "director,servers"}, MetricsQuery)
