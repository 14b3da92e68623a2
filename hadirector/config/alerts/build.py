"""Builds the receivers of alerts."""

from __future__ import annotations

from checks.script_runner.script import Script
from hadirector.config.alerts.schema import AlertSection
from hadirector.model.alerts import FAULTS, AlertReceiver, Webhook
from vrrp.model.configuration import Secret


def alert_receiver(section: AlertSection) -> AlertReceiver:
    """Return the receiver of a section."""
    return AlertReceiver(
        name=section.title,
        on=FAULTS if section.on is None else tuple(dict.fromkeys(section.on)),
        webhook=None
        if section.webhook is None
        else Webhook(url=Secret(section.webhook.encode()), secret_file=section.secret_file),
        command=None if section.command is None else alert_script(section),
        recipients=tuple(section.to),
        timeout=section.timeout,
    )


def alert_script(section: AlertSection) -> Script:
    """Return the script of a receiver with a command."""
    assert section.command, "a rule refuses an empty command"
    return Script(
        path=section.program,
        arguments=tuple(section.command[1:]),
        user=section.user or "nobody",
        group=section.group or "",
        timeout=section.timeout,
        # sendmail may leave a process that delivers the message later.
        leaves_daemons=True,
    )
