"""Hiding the secrets of a configuration: nothing secret stays, and everything else does."""

from __future__ import annotations

import pytest

from hadirector.config.masking import MaskingError
from hadirector.config.masking.mask import mask_secrets
from hadirector.config.masking.masker import Masker


def mask(text: str) -> str:
    return mask_secrets(text.encode(), lambda secret: f"<{len(secret)}>")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        pytest.param(
            "password: abc  # why\nport: 1\n", "password: <3>  # why\nport: 1\n", id="plain"
        ),
        pytest.param("a: {password: 'a b', b: 1}\n", "a: {password: <5>, b: 1}\n", id="flow"),
        pytest.param(
            "- password: |\n    abc\n    de\n- x\n", "- password: <16>\n- x\n", id="block"
        ),
        pytest.param("send: abc\n  def\nb: 1\n", "send: <9>\nb: 1\n", id="two lines"),
        pytest.param("headers: {A: b}\nb: 1\n", "headers: <6>\nb: 1\n", id="mapping"),
        pytest.param("headers:\n  A: b\n  C: d\nb: 1\n", "headers:\n  <11>\nb: 1\n", id="below"),
        pytest.param("a: ü # é\npassword: ü\n", "a: ü # é\npassword: <1>\n", id="not ASCII"),
        pytest.param("# password: old\na: 1\n", "# password: <3>\na: 1\n", id="in a comment"),
        pytest.param("passwords: 1\n", "passwords: 1\n", id="another key"),
        pytest.param(
            'url: "https://a:p@55@b/x@y"\n', 'url: "https://<6>@b/x@y"\n', id="user of a URL"
        ),
        pytest.param("a: 1 # //u:p@b\n", "a: 1 # //<3>@b\n", id="user of a URL in a comment"),
        pytest.param("a: http://b/c@d\n", "a: http://b/c@d\n", id="URL without a user"),
    ],
)
def test_the_secrets_of_yaml_are_hidden(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        pytest.param("auth_pass 1234\n  }\n", "auth_pass <4>\n  }\n", id="a line"),
        pytest.param(
            "authentication { auth_pass 12 }\n", "authentication { auth_pass <2>}\n", id="one line"
        ),
        pytest.param('auth_pass "a b"\n', "auth_pass <5>\n", id="quoted"),
        pytest.param(
            "#auth_pass old\n# auth_pass old\n", "#auth_pass <3>\n# auth_pass <3>\n", id="comment"
        ),
        pytest.param(
            "$P=1234\n$Q=9\nauth_pass $P\n", "$P=<4>\n$Q=<1>\nauth_pass <2>\n", id="definition"
        ),
        pytest.param("$Q=9\nauth_pass 1\n", "$Q=9\nauth_pass <1>\n", id="other definitions"),
        pytest.param(
            'misc_path "/c http://a:b@c/d"\n', 'misc_path "/c http://<3>@c/d"\n', id="URL"
        ),
    ],
)
def test_the_secrets_of_a_keepalived_conf_are_hidden(text: str, masked: str) -> None:
    head = "vrrp_instance a {\n"
    assert mask(head + text) == head + masked


@pytest.mark.parametrize(
    "text", ["a: [", "a: &x 1\npassword: 2\n", "password: *x\n", "? [a]\n: 1\n"]
)
def test_a_text_whose_secrets_cannot_be_found_is_not_shown(text: str) -> None:
    with pytest.raises(MaskingError):
        mask(text)


async def test_equal_secrets_have_equal_labels_in_one_director() -> None:
    masker = Masker()
    one = await masker.mask(b"password: abc\n")
    assert one == await masker.mask(b"password: abc\n")
    assert one != await masker.mask(b"password: abd\n")
    assert one != await Masker().mask(b"password: abc\n")
    assert one.startswith("password: <secret ")
    with pytest.raises(MaskingError, match="the text is not YAML"):
        await masker.mask(b"a: [")
