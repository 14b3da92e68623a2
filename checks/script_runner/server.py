"""The script server: a process that starts a guardian process for each script.

``python -m checks.script_runner.server DESCRIPTOR``. The process is small, so fork is cheap, and
has one thread, so fork is safe. It exits when its client has ended, and its guardians then kill
their scripts.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys

import msgspec

from checks.script_runner.guardian import guard
from checks.script_runner.request import MESSAGE_BYTES_MAX, Finished, Request

DESCRIPTORS = 3
"""Each request has the socket of its caller, and the descriptors for the output of the script and,
if it has one, for its input."""


def main(descriptor: int) -> None:
    """Serve requests from this descriptor until the client closes its end."""
    client = socket.socket(fileno=descriptor)
    client.set_inheritable(False)
    decoder = msgspec.msgpack.Decoder(Request)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel removes ended guardians
    gc.freeze()
    while True:
        data, descriptors, _, _ = socket.recv_fds(
            client, MESSAGE_BYTES_MAX, DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
        )
        if not data:
            return
        caller, *standard = descriptors
        with socket.socket(fileno=caller) as end:
            _start_guardian(client, decoder.decode(data), end, standard)
        for number in standard:
            os.close(number)


def _start_guardian(
    client: socket.socket, request: Request, caller: socket.socket, standard: list[int]
) -> None:
    server = os.getpid()
    try:
        guardian = os.fork()
    except OSError as error:
        with contextlib.suppress(OSError):  # the caller has given up
            caller.send(msgspec.msgpack.encode(Finished(error=str(error))))
        return
    if guardian == 0:
        try:
            client.close()  # otherwise the client would not notice the end of the server
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            guard(request, caller, standard, server)
        finally:
            os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
