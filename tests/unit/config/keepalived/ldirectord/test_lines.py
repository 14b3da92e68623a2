"""The lines of a ldirectord.cf: sections, comments and names."""

from __future__ import annotations

import pytest

from hadirector.config.keepalived.ldirectord.names import find_names
from hadirector.config.keepalived.ldirectord.syntax import read_lines
from hadirector.config.keepalived.report import Report
from tests.unit.config.keepalived.ldirectord.reading import faults, read


def outline(text: str) -> list[object]:
    """Return the directives as text, and those of a virtual as a list."""
    found: list[object] = []
    for each in read_lines(text, "ld.cf", Report()):
        found.append(" ".join(word.text for word in each.words))
        if each.block is not None:
            found.append([" ".join(word.text for word in line.words) for line in each.block])
    return found


def test_indented_lines_belong_to_the_virtual_above_them() -> None:
    text = (
        "checkinterval = 5\n"
        "virtual=192.0.2.1:80\n"
        "\treal=198.51.100.1 gate # the first\n"
        "# a comment at the margin\n"
        '    request="a b"\n'
        "fork=yes\n"
    )
    assert outline(text) == [
        "checkinterval 5",
        "virtual 192.0.2.1:80",
        ["real 198.51.100.1 gate", "request a b"],
        "fork yes",
    ]


def test_an_empty_line_ends_a_virtual() -> None:
    report = Report()
    read_lines("virtual=192.0.2.1:80\n\n    service=http\n", "ld.cf", report)
    assert faults(report) == [
        "ld.cf:3:5: the line is indented, but no virtual is above the line (an empty line ends"
        " a virtual)"
    ]


def test_a_line_without_a_key_is_a_fault() -> None:
    report = Report()
    read_lines("virtual 192.0.2.1:80 x\n", "ld.cf", report)
    assert faults(report) == [
        'ld.cf:1:1: the line is no directive (got "virtual 192.0.2.1:80 x", expected KEY = VALUE)'
    ]


def test_the_names_that_must_be_resolved() -> None:
    text = (
        "fallback=sorry.example.org\n"
        "virtual=mail.example.org:smtp\n"
        "\treal=a.example.org->b.example.org:smtp masq\n"
        "virtual=7\n"
        "\treal=198.51.100.1:8025 masq\n"
        "virtual6=[2001:db8::1]:http\n"
        "\treal6=web.example.org:http gate\n"
    )
    hosts, services = find_names(read_lines(text, "ld.cf", Report()))
    assert hosts == {
        ("sorry.example.org", False),
        ("mail.example.org", False),
        ("a.example.org", False),
        ("b.example.org", False),
        ("web.example.org", True),
    }
    assert services == {"smtp", "http"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "virtuel=192.0.2.1:80",
            'ld.cf:1:1: ld.cf: unknown keyword "virtuel"; did you mean virtual?',
        ),
        (
            "virtual=192.0.2.1",
            'ld.cf:1:9: virtual 192.0.2.1: wrong value (got "192.0.2.1", expected HOST:PORT or a'
            " firewall mark)",
        ),
        (
            "virtual=other.example.org:80",
            'ld.cf:1:9: virtual other.example.org:80: unknown host "other.example.org" (expected'
            " an address or a name of a host)",
        ),
        (
            "virtual=192.0.2.1:www",
            'ld.cf:1:9: virtual 192.0.2.1:www: unknown service "www" (expected a port number, or'
            " a name of /etc/services)",
        ),
        (
            "virtual=192.0.2.1:80\n\treal=198.51.100.1 direct",
            'ld.cf:2:7: virtual 192.0.2.1:80: real: wrong value (got "198.51.100.1 direct",'
            ' expected HOST[->HOST][:PORT] gate|masq|ipip [WEIGHT] ["REQUEST", "RECEIVE"] [l:N]'
            " [u:N])",
        ),
        (
            "virtual=192.0.2.1:80\n\treal=198.51.100.9->198.51.100.1 gate",
            'ld.cf:2:7: virtual 192.0.2.1:80: real: wrong value (got "198.51.100.9->198.51.100.1'
            ' gate", expected a range of at most 65536 addresses, the lower one first)',
        ),
        (
            "maintenancedir=/etc/m",
            "ld.cf:1:1: ld.cf: maintenancedir: hadirector reads no maintenance directory; use"
            " hadirector drain and undrain; --accept maintenancedir leaves the keyword out",
        ),
    ],
)
def test_a_fault_names_its_place(text: str, message: str) -> None:
    assert faults(read(f"{text}\n")[1]) == [message]
