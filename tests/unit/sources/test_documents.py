"""Which members a document names, and which documents are refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hadirector.model.discovery import Member, SourceFormat
from hadirector.sources.documents import DocumentError, read_document

SLICES = {
    "kind": "EndpointSliceList",
    "items": [
        {
            "addressType": "IPv4",
            "ports": [{"name": "http", "port": 8080}, {"name": "metrics", "port": 9090}],
            "endpoints": [
                {
                    "addresses": ["10.1.2.3"],
                    "conditions": {"ready": True, "serving": True, "terminating": False},
                    "targetRef": {"kind": "Pod", "name": "web-1", "uid": "0a1b"},
                },
                {"addresses": ["10.1.2.4"], "conditions": {"ready": False, "serving": False}},
                {
                    "addresses": ["10.1.2.5"],
                    "conditions": {"ready": False, "serving": True, "terminating": True},
                },
                {"addresses": ["10.1.2.6"]},
            ],
        },
        {"ports": [], "endpoints": []},
        {"ports": None, "endpoints": None},
    ],
}


def read(document: object, form: SourceFormat = "members", port: str = "") -> tuple[Member, ...]:
    return read_document(json.dumps(document).encode(), form, port)


def test_our_own_format() -> None:
    document = {
        "revision": "7",
        "members": [
            {"address": "192.0.2.1"},
            {"address": "2001:DB8::1", "port": 80, "identity": "a", "weight": 3, "tier": 1},
            {"address": "192.0.2.2", "leaving": True},
        ],
    }
    assert read(document) == (
        Member("192.0.2.1"),
        Member("2001:db8::1", 80, "a", 3, 1),
        Member("192.0.2.2", leaving=True),
    )


def test_the_format_of_prometheus() -> None:
    document = [
        {"targets": ["192.0.2.1:80", "[2001:db8::1]:81"], "labels": {"weight": "5", "job": "web"}},
        {"targets": ["192.0.2.2:80"]},
    ]
    assert read(document, "prometheus") == (
        Member("192.0.2.1", 80, weight=5),
        Member("2001:db8::1", 81, weight=5),
        Member("192.0.2.2", 80),
    )


def test_endpoint_slices() -> None:
    assert read(SLICES, "endpoint_slices", "http") == (
        Member("10.1.2.3", 8080, "0a1b"),
        Member("10.1.2.5", 8080, leaving=True),
        Member("10.1.2.6", 8080),
    )


@pytest.mark.parametrize(
    ("document", "form", "message"),
    [
        ({}, "members", "not a document in the format members: Object missing required field"),
        ({"members": [{"addres": "1"}]}, "members", "unknown field `addres` - at `$.members[0]`"),
        ({"members": [{"address": "web1"}]}, "members", "members[0]: address 'web1', expected an"),
        ({"members": [{"address": "0.0.0.0"}]}, "members", "0.0.0.0 is no address of a real"),
        ({"members": [{"address": "fe80::1%eth0"}]}, "members", "is no address of a real server"),
        ({"members": [{"address": "192.0.2.1", "port": 70000}]}, "members", "`int` <= 65535"),
        (
            {"members": [{"address": "192.0.2.1"}, {"address": "192.0.2.1", "weight": 2}]},
            "members",
            "members[1]: 192.0.2.1 is named twice, with different values",
        ),
        (
            {"members": [{"address": "192.0.2.1", "identity": "a\nb"}]},
            "members",
            "members[0]: identity 'a\\nb', expected printable text",
        ),
        ([{"targets": ["web1"]}], "prometheus", "[0].targets[0]: target 'web1', expected ADDRESS"),
        (
            [{"targets": ["192.0.2.1:80"], "labels": {"weight": "-1"}}],
            "prometheus",
            "[0].labels: weight '-1', expected 0 to 65535",
        ),
        (SLICES, "endpoint_slices", "items[0].ports: 2 ports, expected one"),
    ],
)
def test_a_wrong_document_is_refused_as_a_whole(
    document: object, form: SourceFormat, message: str
) -> None:
    with pytest.raises(DocumentError) as refused:
        read(document, form)
    assert message in str(refused.value)


def test_a_document_that_is_too_large_is_refused() -> None:
    with pytest.raises(DocumentError, match="more than 4194304 bytes"):
        read_document(b" " * (4 * 1024 * 1024 + 1), "members")
    many = {"members": [{"address": f"10.0.{n // 250}.{n % 250 + 1}"} for n in range(10_001)]}
    with pytest.raises(DocumentError, match="length <= 10000"):
        read(many)


@settings(max_examples=200)
@given(
    st.sampled_from(["members", "prometheus", "endpoint_slices"]),
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(
                    st.sampled_from(["members", "address", "targets", "labels", "items", "ports"]),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=12,
        ).map(lambda value: json.dumps(value).encode()),
    ),
)
def test_any_document_is_read_or_refused(form: SourceFormat, text: bytes) -> None:
    try:
        members = read_document(text, form)
    except DocumentError:
        return
    assert all(isinstance(member, Member) for member in members)
