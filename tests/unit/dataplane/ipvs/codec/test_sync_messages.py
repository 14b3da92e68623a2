"""Messages about the sync daemon, compared with those of ipvsadm 1.31 and Linux 6.1."""

from __future__ import annotations

import sys

import pytest

from hadirector.dataplane.ipvs.codec import sync_messages
from hadirector.dataplane.ipvs.codec.frames import Request
from hadirector.model.ipvs import StartThread, StopThread, SyncRole, SyncSettings

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="the literals are little-endian")

FOUR = SyncSettings(
    interface="eth1", id=51, maximum_length=1400, group="224.0.0.81", port=8848, ttl=2
)
SIX = SyncSettings(interface="eth1", id=0, group="ff02::81", port=8848, ttl=1)

MASTER = "0800010001000000"
NAME = "090002006574683100000000"
ID_51 = "0800030033000000"
LENGTH = "0600040078050000"
GROUP = "08000500e0000051"
PORT = "0600070090220000"
TTL_2 = "0500080002000000"
GROUP_6 = "14000600ff020000000000000000000000000081"


def daemon(message: Request) -> str:
    """The content of the attribute IPVS_CMD_ATTR_DAEMON."""
    length = len(message.content).to_bytes(2, "little")
    assert message.content[:4] == length + b"\x03\x00"
    return message.content[4:].hex()


def test_a_start_has_every_setting() -> None:
    message = sync_messages.request(StartThread(SyncRole.MASTER, FOUR))
    assert message.command == 9
    assert daemon(message) == MASTER + NAME + ID_51 + LENGTH + GROUP + PORT + TTL_2


def test_without_a_length_the_kernel_chooses_it() -> None:
    message = sync_messages.request(StartThread(SyncRole.BACKUP, SIX))
    expected = "0800010002000000" + NAME + "0800030000000000" + GROUP_6 + PORT
    assert daemon(message) == expected + "0500080001000000"


def test_a_stop_has_the_role() -> None:
    message = sync_messages.request(StopThread(SyncRole.BACKUP))
    assert message.command == 10
    assert daemon(message) == "0800010002000000"


@pytest.mark.parametrize(("group", "settings"), [(GROUP, "224.0.0.81"), (GROUP_6, "ff02::81")])
def test_an_answer_is_read(group: str, settings: str) -> None:
    """The kernel sends the attributes in this order, with the group at the end."""
    content = bytes.fromhex(MASTER + NAME + ID_51 + LENGTH + PORT + TTL_2 + group)
    header = (len(content) + 4).to_bytes(2, "little") + b"\x03\x00"
    role, read = sync_messages.read_thread(header + content)
    assert role is SyncRole.MASTER
    assert read == SyncSettings(
        interface="eth1", id=51, maximum_length=1400, group=settings, port=8848, ttl=2
    )
