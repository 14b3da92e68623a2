"""Makes one attempt to deliver a message: by the webhooks process, or by a command."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from checks.script_runner.runner import run
from hadirector import storage
from hadirector.director.alerts.webhooks import WebhookProcess
from hadirector.events.alerts.message import Message, write_mail
from hadirector.events.alerts.signature import SecretError, message_headers, parse_secret
from hadirector.model.alerts import AlertReceiver, Webhook

SECRET_FILE_BYTES_MAX: Final = 1024


async def deliver(
    receiver: AlertReceiver, message: Message, host: str, webhooks: WebhookProcess
) -> str:
    """Deliver a message; return why that failed, or an empty text."""
    if receiver.webhook is not None:
        return await _post(receiver, receiver.webhook, message, webhooks)
    assert receiver.command is not None, "a receiver is a webhook or a command"
    recipients = receiver.recipients
    text = write_mail(message, recipients, host) if recipients else message.body
    ended = await run(receiver.command, standard_input=text)
    if ended.succeeded:
        return ""
    return f"{ended.reason}: {ended.output}" if ended.output else ended.reason


async def _post(
    receiver: AlertReceiver, webhook: Webhook, message: Message, webhooks: WebhookProcess
) -> str:
    key = None
    if webhook.secret_file is not None:
        try:
            key = parse_secret(await asyncio.to_thread(_read, webhook.secret_file))
        except OSError as error:
            return f"secret_file: {error.strerror or error}"
        except SecretError as error:
            return f"secret_file: {error}"
    now = int(time.time())  # noqa: TID251  # the receiver compares it with its own clock
    headers = message_headers(message.identity, now, message.body, key)
    return await webhooks.deliver(webhook.url, headers, message.body, receiver.timeout)


def _read(path: str) -> bytes:
    with storage.open_regular_file(path) as file:
        return file.read(SECRET_FILE_BYTES_MAX)
