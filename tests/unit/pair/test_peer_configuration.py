"""The text of a peer is limited, and a faulty one is refused with the reason."""

from __future__ import annotations

import pytest

from hadirector.pair.peer_configuration import PeerConfiguration, decode_configuration
from hadirector.pair.state import StateError


def test_a_text_of_a_later_version() -> None:
    found = decode_configuration(b'{"text":"a: 1\\n","revision":7}')
    assert found == PeerConfiguration(text="a: 1\n")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"text":7}',
        b'{"text":"\xff"}',
        b'{"reason":"\\u001b[2J"}',
        b'{"text":"%s"}' % (b"x" * (256 * 1024 + 1)),
    ],
)
def test_a_faulty_text(content: bytes) -> None:
    with pytest.raises(StateError, match="the configuration has a fault: "):
        decode_configuration(content)
