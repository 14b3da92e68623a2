"""The receivers of alerts, as the configuration names them. Pure."""

from __future__ import annotations

from typing import Final, Literal, get_args

import msgspec

from checks.script_runner.script import Script
from vrrp.model.configuration import Secret

Condition = Literal[
    "failover",
    "pool_down",
    "real_server_failed",
    "blind",
    "director_unfit",
    "split_brain",
    "instance_fault",
    "address_unheld",
    "peer_differs",
    "pair_unready",
    "process_died",
    "receiver_failed",
    "director_started",
    "handover",
    "configuration",
    "override",
    "pause",
    "change_refused",
]
"""The conditions that a receiver can be informed of."""

ORDERS: Final[tuple[Condition, ...]] = (
    "director_started",
    "handover",
    "configuration",
    "override",
    "pause",
    "change_refused",
)
"""The conditions that people cause on purpose."""
CONDITIONS: Final[tuple[Condition, ...]] = get_args(Condition)
FAULTS: Final = tuple(each for each in CONDITIONS if each not in ORDERS)
"""The conditions of a receiver that names none: the faults, and failovers."""


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A URL that gets messages by POST. The URL may contain a secret.

    The file has the key of the signature; without it, messages have no signature.
    """

    url: Secret
    secret_file: str | None = None


class AlertReceiver(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver: a webhook, or a command that reads a message from its standard input.

    With ``recipients``, the message for the command is an e-mail. ``timeout`` is the time in
    seconds for one attempt to deliver a message.
    """

    name: str
    on: tuple[Condition, ...] = FAULTS
    webhook: Webhook | None = None
    command: Script | None = None
    recipients: tuple[str, ...] = ()
    timeout: float = 10.0
