"""The texts of messages: JSON for a webhook or a command, and e-mail. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

import msgspec

from hadirector.events.alerts.alert import Alert, Note
from hadirector.events.alerts.outbox import Batch

LISTED_MAX: Final = 50
"""Alerts or notes that one list of a message names; each list has its total count."""
TEST_REASON: Final = "this is a test: `hadirector alerts test` was run"
_ALERTS: Final = "hadirector.alerts"
_TEST: Final = "hadirector.test"


class Sender(msgspec.Struct, frozen=True):
    """The director that sends a message: its name, its host, and its version."""

    director: str
    host: str
    version: str


class Message(msgspec.Struct, frozen=True):
    """A message that is ready to be sent. ``at`` is in seconds since the epoch."""

    identity: str
    at: float
    subject: str
    text: str
    body: bytes


def write_message(batch: Batch, sender: Sender, at: float) -> Message:
    """Return the message about a batch."""
    subject = f"{sender.director}: {_summarize(batch)}"
    text = "\n".join([subject, *_lines(batch)])
    data = {
        "director": sender.director,
        "host": sender.host,
        "version": sender.version,
        "began": [_describe_alert(alert) for alert in batch.began[:LISTED_MAX]],
        "began_count": len(batch.began),
        "ended": [_describe_alert(alert) for alert in batch.ended[:LISTED_MAX]],
        "ended_count": len(batch.ended),
        "notes": [_describe_note(note) for note in batch.notes[:LISTED_MAX]],
        "notes_count": len(batch.notes),
        "open": batch.open,
        "omitted": batch.omitted,
        "dropped": batch.dropped,
    }
    return Message(batch.identity, at, subject, text, _encode(_ALERTS, text, at, data))


def write_test(identity: str, sender: Sender, at: float) -> Message:
    """Return the message of a test."""
    subject = f"{sender.director}: test of the alerts"
    data = {"director": sender.director, "host": sender.host, "version": sender.version}
    text = f"{subject}\n{TEST_REASON}"
    return Message(identity, at, subject, text, _encode(_TEST, text, at, data))


def write_mail(message: Message, recipients: Sequence[str], host: str) -> bytes:
    """Return a message as an e-mail (RFC 5322). The mail system adds the sender."""
    mail = EmailMessage()
    mail["To"] = ", ".join(recipients)
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(datetime.fromtimestamp(message.at, UTC))
    mail["Message-ID"] = f"<{message.identity}@{host}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5
    mail.set_content(f"{message.text}\n")
    return mail.as_bytes()


def format_time(at: float) -> str:
    """Return a time in seconds since the epoch in the form of RFC 3339, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _encode(kind: str, text: str, at: float, data: object) -> bytes:
    return msgspec.json.encode(
        {"type": kind, "timestamp": format_time(at), "text": text, "data": data}
    )


def _summarize(batch: Batch) -> str:
    parts = [
        f"{len(items)} {noun}{'' if len(items) == 1 else 's'} {verb}".rstrip()
        for items, noun, verb in (
            (batch.began, "alert", "began"),
            (batch.ended, "alert", "ended"),
            (batch.notes, "event", ""),
        )
        if items
    ]
    return ", ".join(parts)


def _lines(batch: Batch) -> list[str]:
    lists = (
        [
            f"BEGAN {alert.condition} {alert.object}: {alert.reason}"
            f" (since {format_time(alert.began_at)})"
            for alert in batch.began
        ],
        [
            f"ENDED {alert.condition} {alert.object}: {alert.reason}"
            f" ({format_time(alert.began_at)} to {format_time(alert.ended_at or alert.began_at)})"
            for alert in batch.ended
        ],
        [
            f"EVENT {note.condition} {note.object}: {note.reason} ({format_time(note.at)})"
            + (f", {note.count} times" if note.count > 1 else "")
            for note in batch.notes
        ],
    )
    lines = []
    for found in lists:
        lines += found[:LISTED_MAX]
        if len(found) > LISTED_MAX:
            lines.append(f"... and {len(found) - LISTED_MAX} more")
    lines.append(f"open alerts now: {batch.open}")
    if batch.omitted:
        lines.append(f"open alerts that no message names: {batch.omitted}")
    if batch.dropped:
        lines.append(f"older events left out, because too many waited: {batch.dropped}")
    return lines


def _describe_alert(alert: Alert) -> dict[str, object]:
    return {
        "see": f"docs/configuration.md#condition-{alert.condition}",
        "condition": alert.condition,
        "object": alert.object,
        "reason": alert.reason,
        "began_at": format_time(alert.began_at),
        "ended_at": None if alert.ended_at is None else format_time(alert.ended_at),
    }


def _describe_note(note: Note) -> dict[str, object]:
    return {
        "condition": note.condition,
        "object": note.object,
        "reason": note.reason,
        "at": format_time(note.at),
        "count": note.count,
    }
