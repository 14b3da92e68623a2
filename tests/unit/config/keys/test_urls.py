"""The URL of a server has no user name: the file of a token is beside it."""

from __future__ import annotations

import pytest
from pydantic_core import PydanticCustomError

from hadirector.config.keys.readers import EXPECTED, HIDDEN
from hadirector.config.keys.urls import URL


@pytest.mark.parametrize(
    "url", ["http://a", "https://a:1/b?c=d@e#f@g", "http://[2001:db8::1]//h@i"]
)
def test_a_url_without_a_user_name_is_accepted(url: str) -> None:
    assert URL(url) == url


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://a:pa55@b", HIDDEN),
        ("https://token@b", HIDDEN),
        ("https://a:p@55@b", HIDDEN),
        ("ftp://a:pa55@b", HIDDEN),
        ("a:pa55@b", HIDDEN),
        ("ftp://a", EXPECTED),
        ("https://", EXPECTED),
        (1, EXPECTED),
    ],
)
def test_a_message_never_shows_a_password(url: object, kind: str) -> None:
    with pytest.raises(PydanticCustomError) as raised:
        URL(url)
    assert raised.value.type == kind
    assert "pa55" not in str(raised.value)
