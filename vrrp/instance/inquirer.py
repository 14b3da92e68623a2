"""Exchanges questions and answers by which a BACKUP router learns of a dead vrrp process.

The refusal of a question by the kernel of the active router is the death certificate.
`vrrp.router.death_certificate` decides when to ask, and when a router is dead. With auth_hmac in
mode enforce, questions and answers are signed like advertisements. A refusal is an ICMP message
of the kernel, so it is never signed.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Final

from vrrp.instance.sequence import SequenceNumbers
from vrrp.instance.timer import Timer
from vrrp.model.configuration import (
    HmacAuthentication,
    InstanceConfiguration,
    Multicast,
    UdpUnicast,
    Unicast,
)
from vrrp.model.report import ReportProblem
from vrrp.protocol.authentication import Clocks, authenticate, sign
from vrrp.protocol.inquiry import (
    ANSWER,
    NUMBER_BYTES,
    QUESTION,
    Inquiry,
    decode_inquiry,
    encode_inquiry,
    split_inquiry,
)
from vrrp.protocol.packet import TTL, Address
from vrrp.protocol.sequence import SequenceMemory
from vrrp.protocol.validation import configured_addresses
from vrrp.router.death_certificate import DeathWatch
from vrrp.router.event import ActiveRouterDied
from vrrp.router.machine import Router
from vrrp.transport.inquiry import QuestionSocket

QUESTIONS_MAX: Final = 8
"""Questions whose answers are awaited. The oldest one is forgotten."""


class Inquirer:
    """Queries the active router while the instance is BACKUP, and answers as long as it exists.

    Without a port in the configuration it does neither. ``deliver`` gets `ActiveRouterDied`.
    """

    def __init__(
        self,
        router: Router,
        sequence: SequenceNumbers,
        counters: dict[str, int],
        report_problem: ReportProblem,
        deliver: Callable[[ActiveRouterDied], None],
    ) -> None:
        self._router = router
        self._sequence = sequence
        self._counters = counters
        self._report_problem = report_problem
        self._deliver = deliver
        self._watch = DeathWatch()
        self._timer = Timer(self._ask)
        self._socket: QuestionSocket | None = None
        self._asked: dict[int, float] = {}

    def settle(self) -> None:
        """Note the state of the router after an event."""
        configuration = self._router.configuration
        active = self._router.active_router
        addresses = configured_addresses(configuration.held_addresses)
        if configuration.death_certificate_port is None or (
            active is not None and active.address in addresses
        ):
            active = None
        if self._socket is not None:
            ends = (self._socket.source, self._socket.asked)
            if active is None or ends != (self._router.own_address, active.address):
                self._close_socket()
        self._watch.follow(active)
        self._timer.set(self._watch.ask_at)

    def answer(self, payload: bytes, source: Address, ttl: int) -> bytes | None:
        """Return the answer to a question, or None if this instance does not answer it."""
        configuration = self._router.configuration
        question = decode_inquiry(payload)
        if configuration.death_certificate_port is None or question is None:
            return None
        if question.kind != QUESTION or not _may_ask(configuration, source, ttl):
            return None
        if not self._is_authentic(payload, source):
            self._counters["questions_not_authentic"] += 1
            return None
        self._counters["questions_answered"] += 1
        return self._message(ANSWER, question.number)

    def report_port_error(self, error: OSError) -> None:
        """Count a failed attempt to own the port, and report it. Questions get no answer then."""
        port = self._router.configuration.death_certificate_port
        self._report_problem("port_unusable", "port_errors", port=port, error=error)

    def close(self) -> None:
        """Stop asking."""
        self._timer.set(None)
        self._close_socket()

    def _ask(self, _deadline: float) -> None:
        now = asyncio.get_running_loop().time()
        active = self._watch.followed
        if active is not None and self._watch.ask(now):
            number = int.from_bytes(os.urandom(NUMBER_BYTES))  # `secrets` would import OpenSSL
            try:
                self._open_socket(active.address).send(self._message(QUESTION, number))
            except OSError as error:
                fields = {"error": error, "destination": active.address}
                self._report_problem("question_not_sent", "question_errors", **fields)
            else:
                self._counters["questions_sent"] += 1
                self._asked[number] = now
                if len(self._asked) > QUESTIONS_MAX:
                    del self._asked[next(iter(self._asked))]
        self._timer.set(self._watch.ask_at)

    def _hear(self, payload: bytes, refused: bool) -> None:
        inquiry = decode_inquiry(payload)
        expected = QUESTION if refused else ANSWER
        asked_at = None if inquiry is None else self._asked.pop(inquiry.number, None)
        if inquiry is None or inquiry.kind != expected or asked_at is None:
            return
        assert self._socket is not None
        now, active = asyncio.get_running_loop().time(), self._socket.asked
        if refused:
            self._counters["questions_refused"] += 1
            if self._watch.note_refusal(asked_at, now):
                self._deliver(ActiveRouterDied(active))
        elif self._is_authentic(payload, active):
            self._watch.note_answer(now)
        self._timer.set(self._watch.ask_at)

    def _message(self, kind: int, number: int) -> bytes:
        configuration = self._router.configuration
        version, virtual_router_id = configuration.version, configuration.virtual_router_id
        message = encode_inquiry(Inquiry(kind, version, virtual_router_id, number))
        authentication = configuration.authentication
        if not (isinstance(authentication, HmacAuthentication) and configuration.authenticated):
            return message
        key = authentication.key(authentication.send_key)
        assert key is not None, "no key to send with"
        sequence = self._sequence.next(authentication.window)
        source = self._router.own_address
        return message + sign(message, source, authentication.send_key, key, sequence)

    def _is_authentic(self, payload: bytes, source: Address) -> bool:
        """Return whether a message is signed as the configuration demands.

        No sequence numbers are remembered: a recorded question causes one more answer, and an
        answer has the number of its question.
        """
        message, trailer = split_inquiry(payload)
        configuration = self._router.configuration
        authentication = configuration.authentication
        if not (isinstance(authentication, HmacAuthentication) and configuration.authenticated):
            return not trailer
        judgment = authenticate(
            message,
            trailer,
            source,
            authentication=authentication,
            memory=SequenceMemory(1),
            clocks=Clocks(*self._sequence.times(), self._sequence.boot),
        )
        return judgment.dropped is None

    def _open_socket(self, asked: Address) -> QuestionSocket:
        if self._socket is None:
            configuration = self._router.configuration
            assert configuration.death_certificate_port is not None
            self._socket = QuestionSocket(
                configuration.interface,
                self._router.own_address,
                asked,
                configuration.death_certificate_port,
                self._hear,
            )
        return self._socket

    def _close_socket(self) -> None:
        self._asked.clear()
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _may_ask(configuration: InstanceConfiguration, source: Address, ttl: int) -> bool:
    """Return whether advertisements of this host would be accepted (`vrrp.protocol.validation`)."""
    match configuration.transport:
        case Multicast():
            return ttl == TTL
        case Unicast(peers=peers, ttl_min=ttl_min):
            return str(source) in peers and ttl >= ttl_min
        case UdpUnicast():
            return False
