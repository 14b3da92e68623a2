"""What the answers of etcd, Kubernetes, Consul and DNS mean."""

from __future__ import annotations

import json

import pytest

from hadirector.model.discovery import Member
from hadirector.sources.consul_messages import next_index, read_health
from hadirector.sources.dns_answers import ServiceRecord, clamp_ttl, rank_services, remember
from hadirector.sources.documents import DocumentError, Slice, read_slices, read_values
from hadirector.sources.errors import RequestError
from hadirector.sources.etcd_messages import (
    Event,
    KeyValue,
    LeaseAnswer,
    RangeAnswer,
    WatchAnswer,
    range_request,
    read_answer,
    read_stream_line,
    replace_request,
    watch_request,
)
from hadirector.sources.kubernetes_messages import (
    ExpiredError,
    WatchedSlices,
    apply_event,
    read_page,
)

EMPTY = WatchedSlices({}, "5")
SLICE = {
    "metadata": {"name": "web-1", "resourceVersion": "6"},
    "addressType": "IPv4",
    "ports": [{"port": 80}],
    "endpoints": [{"addresses": ["192.0.2.1"]}],
}


def event(kind: str, thing: object) -> bytes:
    return json.dumps({"type": kind, "object": thing}).encode()


def test_an_answer_of_etcd_has_texts_for_numbers_and_base64_for_bytes() -> None:
    """As etcd 3.4.23 answered."""
    text = (
        b'{"header":{"cluster_id":"11385055763171204864","revision":"2","raft_term":"2"},'
        b'"kvs":[{"key":"YQ==","create_revision":"2","mod_revision":"2","version":"1",'
        b'"value":"eA=="}],"count":"1"}'
    )
    answer = read_answer(text, RangeAnswer)
    assert answer.values == (KeyValue(b"a", b"x", 2),)
    assert answer.header.revision == 2


def test_a_line_of_a_watch_has_changes_or_the_compacted_revision() -> None:
    line = (
        b'{"result":{"header":{"revision":"4"},"events":[{"type":"DELETE","kv":{"key":"YQ=="}}]}}'
    )
    changes = read_stream_line(line, WatchAnswer)
    assert changes.events == (Event(KeyValue(b"a"), "DELETE"),)
    assert changes.events[0].deleted
    line = b'{"result":{"header":{"raft_term":"2"},"canceled":true,"compact_revision":"3"}}'
    assert read_stream_line(line, WatchAnswer).compact_revision == 3
    ended = read_stream_line(b'{"result":{"header":{"revision":"2"},"ID":"123"}}', LeaseAnswer)
    assert (ended.lease, ended.seconds) == (123, 0)
    with pytest.raises(RequestError, match="etcd: no leader"):
        read_stream_line(b'{"error":{"grpc_code":14,"message":"no leader"}}', WatchAnswer)
    with pytest.raises(RequestError, match="neither a result nor an error"):
        read_stream_line(b"{}", WatchAnswer)


def test_requests_to_etcd() -> None:
    assert json.loads(range_request(b"/a", prefix=True, limit=9)) == {
        "key": "L2E=",
        "range_end": "L2I=",
        "limit": 9,
    }
    assert json.loads(range_request(b"a\xff", prefix=True, limit=9))["range_end"] == "Yg=="
    assert json.loads(range_request(b"", prefix=True, limit=9))["range_end"] == "AA=="
    watched = json.loads(watch_request(b"a", prefix=False, start=7))
    assert watched == {"create_request": {"key": "YQ==", "start_revision": 7}}
    assert json.loads(replace_request(b"a", b"x", 7, 0)) == {
        "compare": [{"target": "MOD", "result": "EQUAL", "key": "YQ==", "mod_revision": 7}],
        "success": [{"request_put": {"key": "YQ==", "value": "eA==", "lease": 0}}],
    }


def test_the_values_of_keys_are_one_member_each() -> None:
    values = [("/a", b'{"address": "192.0.2.1", "weight": 2}'), ("/b", b'{"address": "::2"}')]
    assert read_values(values) == (Member("192.0.2.1", weight=2), Member("::2"))
    with pytest.raises(DocumentError, match="/b: not a member: JSON is malformed"):
        read_values([values[0], ("/b", b"x")])


def test_slices_follow_the_events_of_a_watch() -> None:
    added = apply_event(EMPTY, event("ADDED", SLICE))
    assert (list(added.slices), added.version) == (["web-1"], "6")
    bookmark = event("BOOKMARK", {"metadata": {"resourceVersion": "9"}})
    marked = apply_event(added, bookmark)
    assert marked.version == "9"
    assert marked.slices is added.slices
    gone = apply_event(marked, event("DELETED", {"metadata": {"name": "web-1"}}))
    assert (gone.slices, gone.version) == ({}, "9")


def test_an_error_ends_a_watch_and_410_expires_the_list() -> None:
    with pytest.raises(ExpiredError):
        apply_event(EMPTY, event("ERROR", {"code": 410, "message": "too old"}))
    with pytest.raises(RequestError, match="the watch ended: 500 etcd is down"):
        apply_event(EMPTY, event("ERROR", {"code": 500, "message": "etcd is down"}))
    with pytest.raises(RequestError, match="the unknown type 'X'"):
        apply_event(EMPTY, event("X", {}))


def test_a_page_of_a_list_has_the_token_for_the_next_one() -> None:
    page = read_page(
        json.dumps({"metadata": {"resourceVersion": "7", "continue": "t"}, "items": []}).encode()
    )
    assert (page.metadata.version, page.metadata.rest) == ("7", "t")
    with pytest.raises(RequestError, match="not an answer of Kubernetes"):
        read_page(b"[]")


def slices(*found: tuple[str, str, bool]) -> list[Slice]:
    return [
        json_slice(kind, address, "serving" if leaving else "ready")
        for kind, address, leaving in found
    ]


def json_slice(kind: str, address: str, condition: str) -> Slice:
    conditions = {"ready": condition == "ready", "serving": True, "terminating": True}
    if condition == "ready":
        conditions = {"ready": True}
    text = {
        "addressType": kind,
        "ports": [{"port": 80}],
        "endpoints": [{"addresses": [address], "conditions": conditions}],
    }
    page = {"metadata": {}, "items": [text]}
    return read_page(json.dumps(page).encode()).items[0]


def test_an_endpoint_in_two_slices_is_ready_if_one_of_them_has_it_ready() -> None:
    ready = Member("192.0.2.1", 80)
    for order in (False, True), (True, False):
        found = slices(*(("IPv4", "192.0.2.1", leaving) for leaving in order))
        assert read_slices(found, "", "any") == (ready,)


def test_slices_of_one_family_can_be_chosen() -> None:
    both = slices(("IPv4", "192.0.2.1", False), ("IPv6", "2001:db8::1", False))
    assert len(read_slices(both, "", "any")) == 2
    assert read_slices(both, "", "ipv4") == (Member("192.0.2.1", 80),)
    assert read_slices(both, "", "ipv6") == (Member("2001:db8::1", 80),)


def instance(status: str, **service: object) -> dict[str, object]:
    return {
        "Node": {"Address": "192.0.2.9"},
        "Service": {"ID": "web-1", "Address": "192.0.2.1", "Port": 80, **service},
        "Checks": [{"Status": "passing"}, {"Status": status}],
    }


def health(*instances: object) -> tuple[Member, ...]:
    return read_health(json.dumps(instances).encode())


@pytest.mark.parametrize(("status", "members"), [("passing", 1), ("warning", 1), ("critical", 0)])
def test_an_instance_of_consul_with_a_critical_check_is_absent(status: str, members: int) -> None:
    """So the pace holds for it: Consul may see all instances fail in a partition."""
    assert health(instance(status)) == (Member("192.0.2.1", 80, "web-1"),) * members


@pytest.mark.parametrize("check", ["_node_maintenance", "_service_maintenance:web-1"])
def test_an_instance_of_consul_in_maintenance_is_leaving(check: str) -> None:
    entry = instance("passing") | {"Checks": [{"CheckID": check, "Status": "critical"}]}
    assert health(entry) == (Member("192.0.2.1", 80, "web-1", leaving=True),)


def test_an_instance_of_consul_can_have_the_address_of_its_node_and_a_weight() -> None:
    assert health(instance("passing", Address="", Meta={"weight": "99999", "tier": "300"})) == (
        Member("192.0.2.9", 80, "web-1", 65535, 255),
    )
    with pytest.raises(DocumentError, match=r"\[0\].Service.Meta: weight '-1', expected 0 to 655"):
        health(instance("passing", Meta={"weight": "-1"}))


@pytest.mark.parametrize(
    ("previous", "header", "index"),
    [(0, "7", 7), (7, "7", 7), (7, "8", 8), (7, "6", 0), (7, "", 0), (7, "-8", 0), (7, "x", 0)],
)
def test_an_index_of_consul_that_goes_back_begins_again(
    previous: int, header: str, index: int
) -> None:
    assert next_index(previous, header) == index


def test_a_member_is_absent_after_three_answers_without_it() -> None:
    one, two = Member("192.0.2.1", 80), Member("192.0.2.2", 80)
    answers, members = remember((), (one, two))
    assert members == (one, two)
    answers, members = remember(answers, (two,))
    assert set(members) == {one, two}
    answers, members = remember(answers, (two,))
    assert set(members) == {one, two}
    answers, members = remember(answers, (two,))
    assert members == (two,)
    changed = Member("192.0.2.2", 80, weight=3)
    assert remember(answers, (changed,))[1] == (changed,)


def test_a_ttl_is_used_from_1_to_300_seconds() -> None:
    assert [clamp_ttl(ttl) for ttl in (0.0, 60.0, 86400.0)] == [1.0, 60.0, 300.0]


def test_srv_records_have_tiers_by_their_priority() -> None:
    records = [
        ServiceRecord(20, 0, 81, ("192.0.2.3",)),
        ServiceRecord(10, 5, 80, ("192.0.2.1", "192.0.2.2")),
    ]
    assert rank_services(records) == [
        Member("192.0.2.3", 81, weight=1, tier=1),
        Member("192.0.2.1", 80, weight=5, tier=0),
        Member("192.0.2.2", 80, weight=5, tier=0),
    ]
