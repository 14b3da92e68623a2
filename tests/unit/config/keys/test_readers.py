"""Single values: durations, addresses and ports."""

import pytest
from pydantic_core import PydanticCustomError

from hadirector.config.keys.addresses import ADDRESS, ENDPOINT, Endpoint
from hadirector.config.keys.readers import REGULAR_EXPRESSION, duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("200ms", 0.2),
        ("2s", 2.0),
        ("1m", 60.0),
        ("1.5m", 90.0),
        ("1h", 3600.0),
        (2, 2.0),
        (0.25, 0.25),
        ("10ms", 0.01),
        ("13ms", 0.013),
    ],
)
def test_a_duration_is_seconds(written: object, seconds: float) -> None:
    """The units are ms, s, m and h. A bare number is in seconds."""
    assert duration("10ms", "1h")(written) == seconds


@pytest.mark.parametrize(
    "written",
    [
        0,
        -1,
        9e99,
        float("nan"),
        float("inf"),
        True,
        "2",
        "2 s",
        "-2s",
        "2d",
        "s",
        "٢s",
        "",
        None,
        "9ms",
        "3601s",
        "9" * 5000 + "s",
        [2],
    ],
)
def test_a_wrong_duration_is_refused(written: object) -> None:
    """Zero, negative, infinite and huge values, non-ASCII digits, and other types."""
    with pytest.raises(PydanticCustomError):
        duration("10ms", "1h")(written)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("192.0.2.1:80", Endpoint("192.0.2.1", 80)),
        ("192.0.2.1", Endpoint("192.0.2.1", None)),
        ("[2001:DB8::0:1]:443", Endpoint("2001:db8::1", 443)),
        ("[2001:db8::1]", Endpoint("2001:db8::1", None)),
        ("2001:db8::1", Endpoint("2001:db8::1", None)),
    ],
)
def test_an_endpoint_is_an_address_with_or_without_a_port(written: str, value: Endpoint) -> None:
    """The address is converted to its canonical form."""
    assert ENDPOINT(written) == value


@pytest.mark.parametrize(
    "written",
    [
        "web1:80",
        "192.0.2.1:",
        "192.0.2.1:0",
        "192.0.2.1:65536",
        "192.0.2.1:8O",
        "192.0.2.1:80:80",
        "[192.0.2.1]:80",
        "[2001:db8::1]80",
        "[2001:db8::1]:",
        "192.0.2.01:80",
        "0.0.0.0:80",
        "192.0.2.1 :80",
        "[fe80::1%eth0]:80",
        "224.0.0.1:80",
        "255.255.255.255:1",
        "",
        80,
        None,
        "192.0.2.1:٨٠",
        "[::]:80",
    ],
)
def test_a_wrong_endpoint_is_refused(written: object) -> None:
    """Host names, wrong ports, and addresses that no single host can have."""
    with pytest.raises(PydanticCustomError):
        ENDPOINT(written)


@pytest.mark.parametrize("written", ["192.0.2", "localhost", "1", 1, "::%1", "ff02::1", "::"])
def test_a_wrong_address_is_refused(written: object) -> None:
    """A number is not an address either."""
    with pytest.raises(PydanticCustomError):
        ADDRESS(written)


@pytest.mark.parametrize("written", ["(", "a" * 1025, "", 5, "(" * 1000, "a{99999999999}"])
def test_a_wrong_regular_expression_is_refused(written: object) -> None:
    """So is an expression that is nested too deeply for the compiler."""
    with pytest.raises(PydanticCustomError):
        REGULAR_EXPRESSION(written)
