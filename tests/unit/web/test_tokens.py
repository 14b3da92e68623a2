"""The file of tokens: what a line means, which lines are refused, and who a token belongs to."""

from datetime import UTC, datetime

import pytest

from hadirector.web.tokens import (
    Token,
    TokensFile,
    digest_of,
    find_token,
    format_tokens,
    parse_tokens,
)

# printf secret | sha256sum
SECRET = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
# printf other | sha256sum
OTHER = "d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa"
EXPIRES = datetime(2030, 1, 31, 12, tzinfo=UTC)


def test_the_hash_is_plain_sha256() -> None:
    assert digest_of("secret") == SECRET
    assert digest_of("other") == OTHER


def test_a_line_has_a_name_a_role_a_hash_and_maybe_an_end_and_a_pattern() -> None:
    content = (
        "# a comment\n\n"
        f"ann admin {SECRET}\n"
        f"deploy operate {OTHER} 2030-01-31T12:00:00Z web/*\n"
        f"bob read {OTHER} - mail\n"
    )
    assert parse_tokens(content.encode()) == TokensFile(
        (
            Token("ann", "admin", SECRET),
            Token("deploy", "operate", OTHER, EXPIRES, "web/*"),
            Token("bob", "read", OTHER, None, "mail"),
        ),
        (),
    )


def test_what_is_written_is_read_again() -> None:
    content = format_tokens(
        [Token("ann", "admin", SECRET), Token("bob", "read", OTHER, EXPIRES, "web/*")]
    )
    assert content.decode() == (
        "# NAME ROLE SHA256 [EXPIRES|-] [PATTERN]; made by `hadirector token add`\n"
        f"ann admin {SECRET} -\n"
        f"bob read {OTHER} 2030-01-31T12:00:00Z web/*\n"
    )
    assert parse_tokens(content).tokens == (
        Token("ann", "admin", SECRET),
        Token("bob", "read", OTHER, EXPIRES, "web/*"),
    )


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("ann admin", "expected NAME ROLE SHA256 [EXPIRES|-] [PATTERN] (got 2 words)"),
        (f"a/b admin {SECRET}", "expected a name of letters, digits and _.@-"),
        (f"ann root {SECRET}", "expected one of the roles read, operate, admin"),
        (f"ann admin {SECRET[:-1]}", "expected a SHA-256 of 64 hexadecimal digits"),
        (f"ann admin {SECRET.upper()}", "expected a SHA-256 of 64 hexadecimal digits"),
        (f"ann admin {SECRET} tomorrow", "expected a time such as 2030-01-31T12:00:00Z"),
        (f"ann admin {SECRET} - a;b", "expected a pattern of names, such as web/*"),
    ],
)
def test_a_faulty_line_gives_no_access_and_is_not_shown(line: str, fault: str) -> None:
    found = parse_tokens(f"{line}\nbob read {OTHER}\n".encode())
    assert found == TokensFile((Token("bob", "read", OTHER),), (f"line 1: {fault}",))


def test_bytes_that_are_no_text_give_no_access() -> None:
    assert parse_tokens(b"\xff\xfe\x00").tokens == ()


def test_a_token_is_found_by_its_hash() -> None:
    tokens = (Token("ann", "admin", SECRET), Token("bob", "read", OTHER))
    assert find_token(tokens, "other") == Token("bob", "read", OTHER)
    assert find_token(tokens, "Other") is None
    assert find_token(tokens, SECRET) is None
    assert find_token(tokens, "") is None


def test_a_token_expires() -> None:
    token = Token("ann", "admin", SECRET, EXPIRES)
    assert token.is_valid(datetime(2030, 1, 31, 11, 59, 59, tzinfo=UTC))
    assert not token.is_valid(EXPIRES)
    assert Token("ann", "admin", SECRET).is_valid(EXPIRES)
