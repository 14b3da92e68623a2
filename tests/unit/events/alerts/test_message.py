"""The messages about alerts, their signature, and the notes that events become."""

from __future__ import annotations

import json
from email import message_from_bytes, policy

import pytest

from hadirector.events.alerts.alert import Alert, Note, note_event
from hadirector.events.alerts.message import Message, Sender, write_mail, write_message, write_test
from hadirector.events.alerts.outbox import Batch
from hadirector.events.alerts.signature import SecretError, message_headers, parse_secret
from hadirector.events.event_log import Event

SENDER = Sender("lb1", "lb1.example.net", "1.2.0")
NOON = 1796040000.0
BATCH = Batch(
    "msg_1",
    (Alert("pool_down", "web", "quorum lost: 0 passing, 1 needed", NOON),),
    (Alert("blind", "director", "no answer", NOON, NOON + 2),),
    (Note("failover", "web", "BACKUP -> ACTIVE (no active router)", NOON + 1, 2),),
    open=1,
    dropped=4,
)


def test_the_body_has_the_alerts_and_a_text_for_people() -> None:
    message = write_message(BATCH, SENDER, NOON + 10)
    assert message.subject == "lb1: 1 alert began, 1 alert ended, 1 event"
    assert message.text.splitlines() == [
        "lb1: 1 alert began, 1 alert ended, 1 event",
        "BEGAN pool_down web: quorum lost: 0 passing, 1 needed (since 2026-11-30T12:00:00Z)",
        "ENDED blind director: no answer (2026-11-30T12:00:00Z to 2026-11-30T12:00:02Z)",
        "EVENT failover web: BACKUP -> ACTIVE (no active router) (2026-11-30T12:00:01Z), 2 times",
        "open alerts now: 1",
        "older events left out, because too many waited: 4",
    ]
    body = json.loads(message.body)
    assert (body["type"], body["timestamp"]) == ("hadirector.alerts", "2026-11-30T12:00:10Z")
    assert body["text"] == message.text
    assert body["data"]["began"] == [
        {
            "see": "docs/configuration.md#condition-pool_down",
            "condition": "pool_down",
            "object": "web",
            "reason": "quorum lost: 0 passing, 1 needed",
            "began_at": "2026-11-30T12:00:00Z",
            "ended_at": None,
        }
    ]
    assert (body["data"]["director"], body["data"]["open"]) == ("lb1", 1)


def test_a_long_list_is_cut_and_counted() -> None:
    many = tuple(Alert("real_server_failed", f"web/{at}", "refused", NOON) for at in range(60))
    message = write_message(Batch("msg_1", many, (), (), 60), SENDER, NOON)
    assert message.subject == "lb1: 60 alerts began"
    assert "... and 10 more" in message.text.splitlines()
    data = json.loads(message.body)["data"]
    assert (len(data["began"]), data["began_count"]) == (50, 60)


def test_a_mail_has_the_headers_that_sendmail_needs() -> None:
    message = Message("msg_1", NOON, "lb1: 1 alert began", "first\nsecond ✖", b"")
    mail = message_from_bytes(
        write_mail(message, ["ops@example.net", "root"], "lb1.example.net"), policy=policy.default
    )
    assert mail["To"] == "ops@example.net, root"
    assert mail["Subject"] == "lb1: 1 alert began"
    assert mail["Date"] == "Mon, 30 Nov 2026 12:00:00 +0000"
    assert mail["Message-ID"] == "<msg_1@lb1.example.net>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content() == "first\nsecond ✖\n"


def test_the_test_message_names_the_command() -> None:
    body = json.loads(write_test("msg_1", SENDER, NOON).body)
    assert body["type"] == "hadirector.test"
    assert "`hadirector alerts test` was run" in body["text"]


def test_the_signature_is_that_of_openssl() -> None:
    """The bytes ID.TIME.BODY through `openssl dgst -sha256 -mac HMAC -macopt hexkey:KEY`."""
    key = parse_secret(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
    identity, body = "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}'
    assert message_headers(identity, 1614265330, body, key) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert "webhook-signature" not in message_headers(identity, 1614265330, body, None)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"whsec_short", "expected whsec_ and a base64 text"),
        (b"whsec_c2hvcnQ=", "the secret has 5 bytes (expected 24 to 64)"),
        (b"\xff\xfe", "expected whsec_ and a base64 text"),
    ],
)
def test_a_wrong_secret_is_refused_and_not_shown(text: bytes, fault: str) -> None:
    with pytest.raises(SecretError) as refused:
        parse_secret(text)
    assert str(refused.value) == fault


def event(name: str, **fields: str | float | None) -> Event:
    return Event(1, NOON, name, dict(fields))


def test_a_change_of_role_is_a_failover_if_an_active_role_is_part_of_it() -> None:
    change = event(
        "vrrp_state_changed", instance="web", previous="BACKUP", state="ACTIVE", reason="timer"
    )
    assert note_event(change) == Note("failover", "web", "BACKUP -> ACTIVE (timer)", NOON)
    start = event("vrrp_state_changed", instance="web", previous="INITIALIZE", state="BACKUP")
    assert note_event(start) is None


def test_the_note_about_an_event_names_its_object_and_its_fields() -> None:
    note = note_event(
        event(
            "override_set", virtual_server="web", real_server="192.0.2.45:80", reason="\x1b[2Jdie"
        )
    )
    assert note == Note("override", "web/192.0.2.45:80", "override_set: reason=?[2Jdie", NOON)
    died = note_event(event("process_died", process="checks", status=-9))
    assert died == Note("process_died", "checks", "process_died: status=-9", NOON)
    assert note_event(event("verdict_changed", address="192.0.2.45")) is None
