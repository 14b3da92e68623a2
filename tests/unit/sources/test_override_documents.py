"""Documents of overrides, and their faults."""

from __future__ import annotations

import json
import random

import pytest

from hadirector.model.override_document import DocumentOverride, OverrideDocument
from hadirector.sources.documents import DocumentError
from hadirector.sources.override_documents import read_overrides

DRAIN = {"real_server": "web/192.0.2.45:80", "action": "drain"}
WHOLE = {
    **DRAIN,
    "author": "joe",
    "reason": "disk",
    "ticket": "C-7",
    "expires_at": "2026-11-30T12:00:00+02:00",
}


def document(*overrides: object, **fields: object) -> bytes:
    return json.dumps({"revision": 7, "overrides": overrides, **fields}).encode()


def test_a_document_has_its_overrides_in_the_order_of_names() -> None:
    weight = {"real_server": "a/192.0.2.1:80", "action": "weight", "weight": 5}
    assert read_overrides(document(WHOLE, weight)) == OverrideDocument(
        7,
        (
            DocumentOverride("a/192.0.2.1:80", "weight", "unknown", weight=5),
            # date -u -d 2026-11-30T10:00:00 +%s
            DocumentOverride("web/192.0.2.45:80", "drain", "joe", "disk", "C-7", 0, 1796032800.0),
        ),
    )


FAULTS = {
    "has more than 1048576 bytes": document() + b" " * (1 << 20),
    "not a document of overrides: JSON is malformed": b"<html>",
    "missing required field `revision`": b'{"overrides": []}',
    "Expected `int` >= 0": document(revision=-1),
    "missing required field `overrides`": b'{"revision": 1}',
    "1001 overrides, expected at most 1000": document(*[DRAIN] * 1001),
    "overrides[1]: web/192.0.2.45:80 is named twice": document(DRAIN, DRAIN),
    "overrides[0].real_server 'web', expected a name such": document(
        {**DRAIN, "real_server": "web"}
    ),
    "overrides[0].reason 'a\\x1b', expected printable text": document({**DRAIN, "reason": "a\x1b"}),
    "overrides[0].weight None, expected a weight only": document({**DRAIN, "action": "weight"}),
    "overrides[0].weight 3, expected a weight only": document({**DRAIN, "weight": 3}),
    "Invalid enum value 'stop'": document({**DRAIN, "action": "stop"}),
    "unknown field `until`": document({**DRAIN, "until": 3}),
    "Expected `datetime` with a timezone": document({**DRAIN, "expires_at": "2026-11-30T12:00:00"}),
}


@pytest.mark.parametrize(("reason", "text"), FAULTS.items(), ids=range(len(FAULTS)))
def test_one_fault_refuses_the_whole_document(reason: str, text: bytes) -> None:
    with pytest.raises(DocumentError) as raised:
        read_overrides(text)
    assert reason in str(raised.value)


def test_spoilt_documents_are_refused_or_within_the_limits() -> None:
    choices = random.Random(17)
    good = document(WHOLE, {**WHOLE, "real_server": "b/[2001:db8::1]:80"})
    for _ in range(3000):
        text = bytearray(good)
        for _ in range(choices.randint(1, 4)):
            place = choices.randrange(len(text))
            text[place : place + choices.randint(0, 3)] = choices.randbytes(choices.randint(0, 2))
        try:
            found = read_overrides(bytes(text))
        except DocumentError:
            continue
        assert all("/" in each.real_server for each in found.overrides)
        assert all(each.reason.isprintable() for each in found.overrides)
