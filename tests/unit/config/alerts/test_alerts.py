"""The receivers of alerts in a file: the settings that they make, and their faults."""

from collections.abc import Callable

import pytest

from checks.script_runner.script import Script
from hadirector.config.loader import parse
from hadirector.model.alerts import FAULTS, AlertReceiver, Webhook
from vrrp.model.configuration import Secret

FaultsOf = Callable[[str], list[str]]
URL = "https://hooks.example.net/T0/s3cret"
HIDDEN = (
    "3:15: alerts[0].webhook: wrong value (got a value that is not shown, expected a URL such as"
    " https://alerts.example.net/hook, without a user name)"
)


def file(*receivers: str) -> str:
    lines = "".join(f"  - {receiver}\n" for receiver in receivers)
    return f"virtual_servers: []\nalerts:\n{lines}"


def test_a_webhook_and_a_command_make_receivers() -> None:
    text = file(
        f"{{webhook: '{URL}', secret_file: /k, on: [blind, failover, blind]}}",
        "{command: [/bin/cat, -n], to: [ops@example.net], user: mail, timeout: 30s, name: ops}",
    )
    assert parse(text.encode(), "f", "host").alerts == (
        AlertReceiver(
            name="hooks.example.net",
            on=("blind", "failover"),
            webhook=Webhook(url=Secret(URL.encode()), secret_file="/k"),
        ),
        AlertReceiver(
            name="ops",
            on=FAULTS,
            command=Script(
                path="/bin/cat", arguments=("-n",), user="mail", timeout=30.0, leaves_daemons=True
            ),
            recipients=("ops@example.net",),
            timeout=30.0,
        ),
    )


def test_the_url_is_not_in_a_text_about_the_configuration() -> None:
    configuration = parse(file(f"{{webhook: '{URL}'}}").encode(), "f", "host")
    assert "s3cret" not in repr(configuration)


@pytest.mark.parametrize(
    ("receiver", "fault"),
    [
        ("{}", "3:5: alerts[0]: wrong value (got none of them, expected one of webhook, command)"),
        (
            f"{{webhook: '{URL}', command: [/bin/cat]}}",
            "3:63: alerts[0].command: webhook and command cannot be combined; remove one of them",
        ),
        (
            f"{{webhook: '{URL}', to: [a]}}",
            "3:58: alerts[0].to: has no effect without command",
        ),
        (
            "{command: [/bin/cat], secret_file: /k}",
            "3:40: alerts[0].secret_file: has no effect without webhook",
        ),
        (
            "{command: []}",
            "3:15: alerts[0].command: wrong value (got an empty list, expected a program with its"
            " arguments)",
        ),
        (
            "{command: [/bin/cat], on: []}",
            "3:31: alerts[0].on: wrong value (got an empty list, expected one or more conditions)",
        ),
        (
            "{webhook: 'https://s3cret@hooks.example.net/'}",
            HIDDEN,
        ),
        (
            "{webhook: 'gopher://s3cret'}",
            HIDDEN,
        ),
    ],
)
def test_a_fault_names_its_place_and_the_remedy(
    receiver: str, fault: str, faults_of: FaultsOf
) -> None:
    assert faults_of(file(receiver)) == [fault]


def test_two_receivers_need_two_names(faults_of: FaultsOf) -> None:
    receivers = [f"{{webhook: '{URL}/{number}'}}" for number in range(2)]
    assert faults_of(file(*receivers)) == [
        '4:5: alerts[1]: duplicate name "hooks.example.net" (set name), first at alerts[0]'
    ]
    assert faults_of(file(*(f"{{command: [/bin/cat], name: r{at}}}" for at in range(17)))) == [
        "19:5: alerts[16]: too many receivers (expected at most 16)"
    ]
