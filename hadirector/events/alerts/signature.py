"""The headers of a signed message (Standard Webhooks, spec/standard-webhooks.md). Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Final

PREFIX: Final = "whsec_"
SECRET_BYTES_MIN: Final = 24
SECRET_BYTES_MAX: Final = 64


class SecretError(ValueError):
    """The secret has another form. The message never has its text."""


def parse_secret(text: bytes) -> bytes:
    """Return the key from the content of a secret file: whsec_ and base64. Raises SecretError."""
    word = text.decode("ascii", "replace").strip().removeprefix(PREFIX)
    try:
        key = base64.b64decode(word, validate=True)
    except (binascii.Error, ValueError):
        raise SecretError(f"expected {PREFIX} and a base64 text") from None
    if not SECRET_BYTES_MIN <= len(key) <= SECRET_BYTES_MAX:
        raise SecretError(
            f"the secret has {len(key)} bytes (expected {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX})"
        )
    return key


def message_headers(
    identity: str, timestamp: int, body: bytes, key: bytes | None
) -> dict[str, str]:
    """Return the headers of a message. ``timestamp`` is in seconds since the epoch.

    Without a key, there is no signature.
    """
    headers = {"webhook-id": identity, "webhook-timestamp": str(timestamp)}
    if key is not None:
        content = f"{identity}.{timestamp}.".encode() + body
        digest = hmac.new(key, content, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return headers
