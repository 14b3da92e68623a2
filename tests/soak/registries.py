"""Mutated answers of the sources of members: documents, etcd, Kubernetes and Consul."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Any

from hadirector.model.discovery import Member
from hadirector.sources.consul_messages import next_index, read_health
from hadirector.sources.documents import (
    TIER_MAX,
    WEIGHT_MAX,
    DocumentError,
    read_document,
    read_slices,
    read_values,
)
from hadirector.sources.errors import RequestError
from hadirector.sources.etcd_messages import (
    LeaseAnswer,
    RangeAnswer,
    WatchAnswer,
    read_answer,
    read_stream_line,
)
from hadirector.sources.kubernetes_messages import (
    ExpiredError,
    WatchedSlices,
    apply_event,
    read_page,
)

MEMBERS = (
    b'{"revision": "7", "members": [{"address": "192.0.2.1"}, {"address": "2001:DB8::1", "port":'
    b' 80, "identity": "a", "weight": 3, "tier": 1}, {"address": "192.0.2.2", "leaving": true}]}',
)
PROMETHEUS = (
    b'[{"targets": ["192.0.2.1:80", "[2001:db8::1]:81"], "labels": {"weight": "5", "job": "web"}},'
    b' {"targets": ["192.0.2.2:80"]}]',
)
SLICE = (
    b'{"metadata": {"name": "web-1", "resourceVersion": "6"}, "addressType": "IPv4", "ports":'
    b' [{"name": "http", "port": 8080}], "endpoints": [{"addresses": ["10.1.2.3"], "conditions":'
    b' {"ready": true, "serving": true, "terminating": false}, "targetRef": {"uid": "0a1b"}},'
    b' {"addresses": ["10.1.2.5"], "conditions": {"ready": false, "serving": true, "terminating":'
    b" true}}]}"
)
PAGE = b'{"metadata": {"resourceVersion": "5", "continue": "t"}, "items": [' + SLICE + b"]}"
EVENTS = (
    b'{"type": "ADDED", "object": ' + SLICE + b"}",
    b'{"type": "DELETED", "object": ' + SLICE + b"}",
    b'{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}}',
    b'{"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}}',
)
CONSUL = (
    b'[{"Node": {"Address": "192.0.2.9"}, "Service": {"ID": "web-1", "Address": "192.0.2.1",'
    b' "Port": 80, "Meta": {"weight": "70000", "tier": "1"}}, "Checks": [{"Status": "passing"}]},'
    b' {"Node": {"Address": "192.0.2.8"}, "Service": {"ID": "web-2", "Address": "", "Port": 81},'
    b' "Checks": [{"Status": "critical"}]}]',
)
RANGE = (
    b'{"header":{"revision":"2"},"kvs":[{"key":"L2E=","mod_revision":"2","value":'
    b'"eyJhZGRyZXNzIjogIjE5Mi4wLjIuMSIsICJwb3J0IjogODB9","lease":"7587"}],"count":"1"}',
)
STREAM = (
    b'{"result":{"header":{"revision":"4"},"created":true}}',
    b'{"result":{"header":{"revision":"4"},"events":[{"type":"DELETE","kv":{"key":"YQ=="}}]}}',
    b'{"result":{"canceled":true,"compact_revision":"3","cancel_reason":"compacted"}}',
    b'{"result":{"ID":"123","TTL":"5"}}',
    b'{"error":{"grpc_code":14,"message":"no leader"}}',
)
INDEXES = (b"7", b"18446744073709551615", b"-1")


class Answers:
    """One kind of answer, and its reader."""

    def __init__(
        self, name: str, samples: Sequence[bytes], read: Callable[[bytes], object]
    ) -> None:
        self.name = name
        self.samples = samples
        self._read = read

    def take(self, data: bytes) -> str:
        """Read an answer; return a word for the result. A member has to be within the limits."""
        try:
            found = self._read(data)
        except (DocumentError, RequestError, ExpiredError) as error:
            return type(error).__name__
        if isinstance(found, tuple):
            _check(found)
        return "understood"

    def mend(self, data: bytes) -> bytes:
        """Return the data: no kind has a checksum."""
        return data


def _check(members: tuple[Member, ...]) -> None:
    assert len({member.key for member in members}) == len(members)
    for member in members:
        address = ip_address(member.address)
        assert str(address) == member.address
        assert not address.is_multicast
        assert not address.is_unspecified
        assert 0 <= member.port <= 65535
        assert 0 <= (member.weight or 0) <= WEIGHT_MAX
        assert 0 <= (member.tier or 0) <= TIER_MAX
        assert len(member.identity) <= 200
        assert member.identity.isprintable()


def every_answer() -> list[Answers]:
    """Return one of each kind."""
    return [
        Answers("members", MEMBERS, lambda data: read_document(data, "members")),
        Answers("prometheus", PROMETHEUS, lambda data: read_document(data, "prometheus")),
        Answers("endpoint_slices", [PAGE], lambda data: read_document(data, "endpoint_slices")),
        Answers("etcd range", RANGE, _read_range),
        Answers("etcd stream", STREAM, _read_stream),
        Answers("Kubernetes list", [PAGE], _read_list),
        Answers("Kubernetes watch", EVENTS, _read_watch),
        Answers("Consul", CONSUL, read_health),
        Answers("Consul index", INDEXES, lambda data: next_index(5, data.decode("latin-1"))),
    ]


def _read_range(data: bytes) -> tuple[Member, ...]:
    found = read_answer(data, RangeAnswer)
    return read_values((each.key.decode("utf-8", "replace"), each.value) for each in found.values)


def _read_stream(data: bytes) -> list[Any]:
    return [read_stream_line(data, WatchAnswer), read_stream_line(data, LeaseAnswer)]


def _read_list(data: bytes) -> tuple[Member, ...]:
    return read_slices(read_page(data).items, "", "ipv4")


def _read_watch(data: bytes) -> tuple[Member, ...]:
    known = WatchedSlices({each.metadata.name: each for each in read_page(PAGE).items}, "5")
    return read_slices(apply_event(known, data).slices.values(), "http", "any")
