"""The MySQL probe: a login with MySQL or MariaDB (MySQL's manual, "Connection Phase").

The server counts clients that close the connection during the handshake. After
``max_connect_errors`` such clients in a row, by default 100, it blocks their address. A rejected
login does not count, and a successful login resets the counter. The probe therefore completes a
login, without a password.
"""

from __future__ import annotations

import struct

from checks.definition.check import CheckDefinition
from checks.definition.options import MysqlProbe
from checks.definition.result import Reason
from checks.io.attempt import Outcome, ProbeFailedError, Progress
from checks.io.connection import AWAITING_REPLY, Connection, open_connection

_PROTOCOL_VERSION = 10
_OK, _ERROR, _OTHER_METHOD = 0x00, 0xFF, 0xFE  # the first byte of the answer to a login
_QUIT = b"\1"
_AUTHENTICATION = b"mysql_native_password\0"

# CLIENT_LONG_PASSWORD, CLIENT_PROTOCOL_41, CLIENT_SECURE_CONNECTION, CLIENT_PLUGIN_AUTH
_CAPABILITIES = 0x1 | 0x200 | 0x8000 | 0x80000
_PACKET_LENGTH_MAX = 64 * 1024
_UTF8MB4 = 45

_LOGIN_REJECTED = {1044, 1045, 1130, 1251, 1698, 1820, 1862, 3118, 3159, 4151}
"""Errors that reject only this login, because of its host, user, missing password or missing TLS.
Any other error fails, for example 1040 too many connections, 1053 shutdown, 1129 host blocked."""


async def probe(definition: CheckDefinition, progress: Progress) -> Outcome:
    """Attempt a login and evaluate the answer. ``definition.probe`` must be a MysqlProbe."""
    options = definition.probe
    assert isinstance(options, MysqlProbe)
    async with open_connection(definition, progress) as connection:
        progress.enter("waiting for the handshake")
        _, greeting = await _read_packet(connection)
        if greeting[0] == _ERROR:
            return Outcome(_describe_rejection(greeting))
        version = _version(greeting)
        progress.enter(AWAITING_REPLY)
        await _send_packet(connection, 1, _login(options.user))
        number, answer = await _read_packet(connection)
        if answer[0] == _OTHER_METHOD:  # no password has the same encoding in every method
            await _send_packet(connection, number + 1, b"")
            _, answer = await _read_packet(connection)
        if answer[0] == _OK:
            await _send_packet(connection, 0, _QUIT)
            return Outcome(f"{version} accepts the login of {options.user}")
        if answer[0] != _ERROR:
            raise _protocol_error(
                f"the answer to the login begins with the byte {answer[:1].hex()}"
            )
        return Outcome(f"{version} {_describe_rejection(answer)}")


def _version(greeting: bytes) -> str:
    if greeting[0] != _PROTOCOL_VERSION:
        raise _protocol_error(f"protocol {greeting[0]}, expected {_PROTOCOL_VERSION}")
    version, end, _ = greeting[1:].partition(b"\0")
    if not end:
        raise _protocol_error("the version has no terminating zero byte")
    # MariaDB adds this prefix for old replicas, which do not accept its own version.
    return version.decode(errors="replace").removeprefix("5.5.5-")


def _describe_rejection(packet: bytes) -> str:
    """Describe an error that rejects only this login. Raises ProbeFailedError for any other."""
    if len(packet) < 3:
        raise _protocol_error("an error without a code")
    code = int.from_bytes(packet[1:3], "little")
    message = packet[3:]
    if message.startswith(b"#"):
        message = message[6:]  # the SQLSTATE
    error = f"{code} {message.decode(errors='replace')}"
    if code not in _LOGIN_REJECTED:
        raise ProbeFailedError(Reason.STATUS, error)
    return f"rejects this login with error {error}"


def _login(user: str) -> bytes:
    settings = struct.pack("<IIB23x", _CAPABILITIES, _PACKET_LENGTH_MAX, _UTF8MB4)
    return settings + user.encode() + b"\0" + b"\0" + _AUTHENTICATION


async def _read_packet(connection: Connection) -> tuple[int, bytes]:
    """Read a packet with at least one byte. Return its number and its content."""
    header = await connection.exactly(4)
    length, number = int.from_bytes(header[:3], "little"), header[3]
    if not 0 < length <= _PACKET_LENGTH_MAX:
        raise _protocol_error(f"a packet of {length} bytes")
    return number, await connection.exactly(length)


async def _send_packet(connection: Connection, number: int, content: bytes) -> None:
    header = len(content).to_bytes(3, "little") + bytes((number % 256,))
    await connection.send(header + content)


def _protocol_error(reason: str) -> ProbeFailedError:
    return ProbeFailedError(Reason.PROTOCOL, f"not a MySQL reply: {reason}")
