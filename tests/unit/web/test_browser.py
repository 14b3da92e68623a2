"""Requests that another site makes a browser send are refused; other clients are not."""

import pytest

from hadirector.web.browser import host_fault, origin_fault

NAMES = {"lb1", "lb.example.net"}


@pytest.mark.parametrize(
    "host",
    [
        "lb1",
        "LB1:9470",
        "lb.example.net:9470",
        "localhost:9470",
        "192.0.2.1",
        "192.0.2.1:9470",
        "[2001:db8::1]:9470",
        "[::1]",
    ],
)
def test_known_names_and_addresses_are_served(host: str) -> None:
    assert host_fault(host, NAMES) is None


@pytest.mark.parametrize("host", ["evil.example", "evil.example:9470", "lb1.evil.example", "[lb2]"])
def test_an_unknown_name_is_refused(host: str) -> None:
    fault = host_fault(host, NAMES)
    assert fault is not None
    assert "does not know the host name" in fault


@pytest.mark.parametrize("host", [None, ""])
def test_a_request_without_a_name_is_refused(host: str | None) -> None:
    assert host_fault(host, NAMES) == "the request has no header Host"


HOST = {"Host": "lb1:9470"}


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("PUT", {}),
        ("PUT", {"Origin": "https://lb1:9470", "Sec-Fetch-Site": "same-origin"}),
        ("POST", {"Sec-Fetch-Site": "none"}),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}),
    ],
)
def test_own_pages_links_and_other_clients_are_served(method: str, headers: dict[str, str]) -> None:
    assert origin_fault(method, HOST | headers, "https") is None


@pytest.mark.parametrize(
    ("method", "headers", "fault"),
    [
        ("PUT", {"Origin": "https://evil.example"}, "comes from the origin https://evil.example"),
        ("PUT", {"Origin": "http://lb1:9470"}, "comes from the origin http://lb1:9470"),
        ("PUT", {"Origin": "null"}, "comes from the origin null"),
        ("GET", {"Sec-Fetch-Site": "cross-site"}, "another site (Sec-Fetch-Site: cross-site)"),
        ("GET", {"Sec-Fetch-Site": "same-site"}, "another site (Sec-Fetch-Site: same-site)"),
        (
            "POST",
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
            "another site (Sec-Fetch-Site: cross-site)",
        ),
    ],
)
def test_requests_of_other_sites_are_refused(
    method: str, headers: dict[str, str], fault: str
) -> None:
    assert fault in str(origin_fault(method, HOST | headers, "https"))
