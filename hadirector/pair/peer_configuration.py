"""The text of a configuration that a director sends to a peer on request. Pure.

It is no part of the state. Labels have taken the place of its secrets before it leaves its host.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from hadirector.pair.state import Line, StateError

TEXT_BYTES_MAX: Final = 256 * 1024
"""The maximum size of a text. A director does not send a longer one."""
ANSWER_BYTES_MAX: Final = 2 * TEXT_BYTES_MAX
"""The maximum size of a text as JSON, in which a line break takes two bytes."""


class PeerConfiguration(msgspec.Struct, frozen=True, gc=False):
    """A configuration without its secrets, or the ``reason`` why there is none."""

    text: Annotated[str, msgspec.Meta(max_length=TEXT_BYTES_MAX)] = ""
    reason: Line = ""


def decode_configuration(content: bytes) -> PeerConfiguration:
    """Return the configuration in these bytes of a peer. Raises StateError."""
    try:
        return msgspec.json.decode(content, type=PeerConfiguration)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise StateError(f"the configuration has a fault: {error}") from error
