"""The MySQL probe: the handshake of MySQL and MariaDB (MySQL's manual, "Connection Phase").

A client that hangs up in the handshake is one of those that ``max_connect_errors`` counts, and a
hundred of them in a row have its address blocked. One that is denied is not counted, and one that
is let in ends the counting. So this probe goes through with a login, without a password.
"""

from __future__ import annotations

import struct

from checks.definition.check import CheckDefinition
from checks.definition.options import MysqlProbe
from checks.definition.result import Reason
from checks.io.attempt import Outcome, ProbeFailedError, Progress
from checks.io.connection import AWAITING_REPLY, Connection, connected

_PROTOCOL_VERSION = 10
_OK, _ERROR, _OTHER_METHOD = 0x00, 0xFF, 0xFE  # the first byte of what answers a login
_QUIT = b"\1"
_AUTHENTICATION = b"mysql_native_password\0"

# CLIENT_LONG_PASSWORD, CLIENT_PROTOCOL_41, CLIENT_SECURE_CONNECTION, CLIENT_PLUGIN_AUTH
_CAPABILITIES = 0x1 | 0x200 | 0x8000 | 0x80000
_PACKET_LENGTH_MAX = 64 * 1024
_UTF8MB4 = 45

_NOT_US = {1044, 1045, 1130, 1251, 1698, 1820, 1862, 3118, 3159, 4151}
"""Errors that only mean that we may not log in: our host, user, password or lack of TLS. Any other
says that nobody gets in now: 1040 too many connections, 1129 host blocked, 1053 shutdown."""


async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
    """See whether the server would let somebody log in. ``definition.probe`` is its own."""
    options = definition.probe
    assert isinstance(options, MysqlProbe)
    async with connected(definition, progress) as connection:
        progress.enter("waiting for the handshake")
        _, greeting = await _packet(connection)
        if greeting[0] == _ERROR:
            return Outcome(_denied(greeting))
        version = _version(greeting)
        progress.enter(AWAITING_REPLY)
        await _send(connection, 1, _login(options.user))
        number, answer = await _packet(connection)
        if answer[0] == _OTHER_METHOD:  # of authentication: no password is the same in all
            await _send(connection, number + 1, b"")
            _, answer = await _packet(connection)
        if answer[0] == _OK:
            await _send(connection, 0, _QUIT)
            return Outcome(f"{version} lets {options.user} in")
        if answer[0] != _ERROR:
            raise _no_reply(f"it answers a login with {answer[:1].hex()}")
        return Outcome(f"{version} {_denied(answer)}")


def _version(greeting: bytes) -> str:
    if greeting[0] != _PROTOCOL_VERSION:
        raise _no_reply(f"protocol {greeting[0]}, expected {_PROTOCOL_VERSION}")
    version, end, _ = greeting[1:].partition(b"\0")
    if not end:
        raise _no_reply("a version without end")
    # What MariaDB puts before its own, for replicas that would not understand it.
    return version.decode(errors="replace").removeprefix("5.5.5-")


def _denied(packet: bytes) -> str:
    """Read an error that is about us only. Raises ProbeFailedError for any other."""
    if len(packet) < 3:
        raise _no_reply("an error without a code")
    code = int.from_bytes(packet[1:3], "little")
    words = packet[3:]
    if words.startswith(b"#"):
        words = words[6:]  # SQLSTATE
    said = f"{code} {words.decode(errors='replace')}"
    if code not in _NOT_US:
        raise ProbeFailedError(Reason.STATUS, said)
    return f"answers a login with {said}"


def _login(user: str) -> bytes:
    settings = struct.pack("<IIB23x", _CAPABILITIES, _PACKET_LENGTH_MAX, _UTF8MB4)
    return settings + user.encode() + b"\0" + b"\0" + _AUTHENTICATION


async def _packet(connection: Connection) -> tuple[int, bytes]:
    """Read a packet: its number, and what is in it, at least one byte."""
    header = await connection.exactly(4)
    length, number = int.from_bytes(header[:3], "little"), header[3]
    if not 0 < length <= _PACKET_LENGTH_MAX:
        raise _no_reply(f"a packet of {length} bytes")
    return number, await connection.exactly(length)


async def _send(connection: Connection, number: int, content: bytes) -> None:
    header = len(content).to_bytes(3, "little") + bytes((number % 256,))
    await connection.send(header + content)


def _no_reply(why: str) -> ProbeFailedError:
    return ProbeFailedError(Reason.PROTOCOL, f"not a MySQL reply: {why}")
