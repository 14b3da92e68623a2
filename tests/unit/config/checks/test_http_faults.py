"""Every fault of an option of an http or https check is reported at its place."""

from collections.abc import Callable

import pytest

from tests.unit.config.checks.faults import fault_of_check

FaultsOf = Callable[[str], list[str]]


@pytest.mark.parametrize(
    ("check", "fault"),
    [
        (
            f"{{type: http, host: {'a' * 64}}}",
            (
                "host: wrong value (got "
                '"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"…, expected a '
                "host name or IPv4 address, without port)"
            ),
        ),
        (
            "{type: http, method: get}",
            'method: wrong value (got "get", expected one of GET, HEAD, POST)',
        ),
        (
            "{type: http, body: x}",
            "body: only a request with method POST has a body (got method GET)",
        ),
        ("{type: http, password: x}", "password: has no effect without a username"),
        (
            '{type: http, username: "a\\nb"}',
            (
                "username: wrong value (got a value that is not shown, expected 1 to 256 "
                "characters, in quotes)"
            ),
        ),
        (
            "{type: http, username: 'a:b'}",
            "username: contains a colon, which basic authentication forbids (RFC 7617)",
        ),
        (
            "{type: http, redirects: 11}",
            "redirects: wrong value (got 11, expected a whole number from 0 to 10)",
        ),
        (
            "{type: http, http_version: 1.1}",
            "http_version: wrong value (got 1.1, expected a whole number from 1 to 2)",
        ),
        (
            "{type: https, http_version: 3}",
            "http_version: wrong value (got 3, expected a whole number from 1 to 2)",
        ),
        (
            "{type: http, http_version: 2, headers: {Upgrade: websocket}}",
            "headers: HTTP/2 forbids the header Upgrade (RFC 9113, section 8.2.2)",
        ),
        (
            "{type: http, headers: [a]}",
            (
                "headers: wrong value (got a list, expected a mapping of at most 32 header "
                "names to text)"
            ),
        ),
        (
            "{type: http, headers: {Host: a}}",
            (
                "headers: wrong value (got a mapping, expected names of header fields, other "
                "than Host (use the key host), Connection, Content-Length and Transfer-"
                "Encoding)"
            ),
        ),
        (
            "{type: http, headers: {a: 'b '}}",
            (
                "headers: wrong value (got a mapping, expected visible ASCII text as the value "
                "of each header field, in quotes)"
            ),
        ),
        (
            "{type: http, headers: {a: 1}}",
            (
                "headers: wrong value (got a mapping, expected visible ASCII text as the value "
                "of each header field, in quotes)"
            ),
        ),
        (
            "{type: http, expect_status: [299-200]}",
            (
                'expect_status[0]: wrong value (got "299-200", expected a status from 100 to '
                "599, or a range such as 200-299)"
            ),
        ),
        (
            "{type: http, expect_sha256: abc}",
            (
                'expect_sha256: wrong value (got "abc", expected 64 hexadecimal digits, as '
                "sha256sum prints them)"
            ),
        ),
        (
            "{type: http, expect_json: {}}",
            (
                "expect_json: wrong value (got a mapping, expected a mapping of 1 to 32 paths "
                "such as services.0.state to values)"
            ),
        ),
        (
            "{type: http, expect_json: {a..b: 1}}",
            (
                "expect_json: wrong value (got a mapping, expected paths into JSON such as "
                "services.0.state, of at most 16 steps)"
            ),
        ),
        (
            "{type: http, expect_json: {a: [1]}}",
            (
                "expect_json: wrong value (got a mapping, expected text, a number, true or "
                "false as the value of a)"
            ),
        ),
        (
            "{type: http, method: HEAD, expect_body: x}",
            "expect_body: the reply to a HEAD request has no body",
        ),
        (
            "{type: http, method: HEAD, expect_not: x}",
            "expect_not: the reply to a HEAD request has no body",
        ),
        (
            "{type: http, expect_md5: ABC}",
            (
                'expect_md5: wrong value (got "ABC", expected 32 hexadecimal digits, as md5sum '
                "prints them)"
            ),
        ),
        (
            "{type: http, expect_not: '('}",
            'expect_not: wrong value (got "(", expected a regular expression: missing ),'
            " unterminated subpattern at position 0)",
        ),
        (
            "{type: http, expect_body: x, expect_offset_min: 65536}",
            "expect_offset_min: wrong value (got 65536, expected a whole number from 0 to 65535)",
        ),
        (
            "{type: http, expect_offset_min: 0}",
            "expect_offset_min: has no effect without expect_body or expect_not",
        ),
        (
            "{type: http, expect_not: x, expect_offset_min: 5, expect_offset_max: 4}",
            "expect_offset_max: wrong value (got 4, expected at least 5, expect_offset_min)",
        ),
    ],
)
def test_a_fault_of_an_http_option(faults_of: FaultsOf, check: str, fault: str) -> None:
    """The fault names the key."""
    assert fault_of_check(faults_of, check) == fault
