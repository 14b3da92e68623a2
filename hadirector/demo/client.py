"""A client that sends a GET on a new connection every few milliseconds and records each request.

``python -m hadirector.demo.client --address A --port P --seconds S`` prints one JSON line per
request, or a single line with ``--summary``. It uses only the standard library, so that it starts
fast in User-Mode Linux too.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

ANSWER_BYTES_MAX = 65536
IN_FLIGHT_MAX = 512

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Sample(NamedTuple):
    """One request: its start and end (monotonic seconds), and its server or failure."""

    began: float
    ended: float
    server: str = ""
    failure: str = ""


async def send_steadily(
    address: str,
    port: int,
    *,
    interval: float,
    seconds_max: float,
    record: Callable[[Sample], None],
    count: int | None = None,
) -> None:
    """Send and record a request every ``interval`` seconds, even if earlier ones have not ended.

    End after ``count`` requests, or when canceled. At most 512 requests are in flight; a
    further request is not sent, and is recorded as failed.
    """
    loop = asyncio.get_running_loop()
    due = loop.time()
    in_flight = 0

    async def send() -> None:
        nonlocal in_flight
        in_flight += 1
        try:
            record(await request(address, port, seconds_max))
        finally:
            in_flight -= 1

    async with asyncio.TaskGroup() as requests:
        for _ in range(sys.maxsize if count is None else count):
            if in_flight < IN_FLIGHT_MAX:
                requests.create_task(send())
            else:
                now = loop.time()
                record(Sample(now, now, failure=f"not sent: {IN_FLIGHT_MAX} in flight"))
            due += interval
            await asyncio.sleep(max(0.0, due - loop.time()))


async def send_on_one_connection(
    address: str,
    port: int,
    *,
    interval: float,
    seconds_max: float,
    record: Callable[[Sample], None],
    count: int | None = None,
) -> None:
    """Send requests in sequence on one connection; open a new one only after a failure."""
    loop = asyncio.get_running_loop()
    with contextlib.ExitStack() as connection:
        streams: Streams | None = None
        for _ in range(sys.maxsize if count is None else count):
            began = loop.time()
            server = failure = ""
            try:
                async with asyncio.timeout(seconds_max):
                    if streams is None:
                        streams = await asyncio.open_connection(address, port)
                        connection.callback(streams[1].close)
                    server = await _get(*streams, address)
            except (OSError, EOFError, ValueError) as error:
                failure = _reason(error, seconds_max)
                streams = None
                connection.pop_all().close()
            record(Sample(began, loop.time(), server, failure))
            await asyncio.sleep(interval)


async def request(address: str, port: int, seconds_max: float) -> Sample:
    """Send GET / on a new connection and return the server name or the failure."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(seconds_max):
            reader, writer = await asyncio.open_connection(address, port)
            with contextlib.closing(writer):
                server = await _get(reader, writer, address)
    except (OSError, EOFError, ValueError) as error:
        return Sample(began, loop.time(), failure=_reason(error, seconds_max))
    return Sample(began, loop.time(), server=server)


async def _get(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str) -> str:
    """Return the body of the response. Raises OSError, EOFError and ValueError."""
    writer.write(f"GET / HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
    status, *fields = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    if " 200 " not in status:
        raise ValueError(status)
    length = next(field for field in fields if field.lower().startswith("content-length:"))
    body = await reader.readexactly(min(int(length.partition(":")[2]), ANSWER_BYTES_MAX))
    return body.decode("latin-1").strip()


def _reason(error: OSError | EOFError | ValueError, seconds_max: float) -> str:
    match error:
        case TimeoutError():
            return f"no answer in {seconds_max:g} s"
        case ConnectionRefusedError():
            return "refused"
        case ConnectionResetError():
            return "reset"
        case EOFError():
            return "closed without an answer"
        case _:
            return str(error)


def summary(samples: Sequence[Sample]) -> dict[str, object]:
    """Count requests, servers and failures, and compute latencies in milliseconds."""
    latencies = sorted(sample.ended - sample.began for sample in samples if sample.server)
    return {
        "sent": len(samples),
        "failed": sum(1 for sample in samples if sample.failure),
        "servers": Counter(sample.server for sample in samples if sample.server),
        "failures": Counter(sample.failure for sample in samples if sample.failure),
        "median_ms": _rank(latencies, 0.5),
        "p99_ms": _rank(latencies, 0.99),
    }


def _rank(ascending: Sequence[float], share: float) -> float | None:
    if not ascending:
        return None
    return round(ascending[math.ceil(share * len(ascending)) - 1] * 1000, 3)


async def _run(options: argparse.Namespace) -> list[Sample]:
    samples: list[Sample] = []

    def record(sample: Sample) -> None:
        if options.summary:
            samples.append(sample)
        else:
            print(json.dumps(sample._asdict()), flush=True)

    send = send_on_one_connection if options.connections else send_steadily
    client = asyncio.gather(
        *(
            send(
                options.address,
                options.port,
                interval=options.interval / 1000,
                seconds_max=options.timeout / 1000,
                record=record,
                count=options.seconds and math.ceil(options.seconds * 1000 / options.interval),
            )
            for _ in range(options.connections or 1)
        )
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, client.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await client
    return samples


def main(arguments: Sequence[str] | None = None) -> int:
    """Send requests for a time, or until SIGTERM or SIGINT.

    With ``--summary``, exit with status 1 if a request failed.
    """
    parser = argparse.ArgumentParser(prog="python -m hadirector.demo.client", description=__doc__)
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, default=80)
    parser.add_argument("--seconds", type=float, help="default: until stopped")
    parser.add_argument("--interval", type=float, default=10.0, metavar="MS")
    parser.add_argument("--timeout", type=float, default=1000.0, metavar="MS")
    parser.add_argument(
        "--connections", type=int, default=0, help="send all requests on N connections", metavar="N"
    )
    parser.add_argument("--summary", action="store_true", help="print a single line at the end")
    options = parser.parse_args(arguments)
    samples = asyncio.run(_run(options))
    if options.summary:
        print(json.dumps(summary(samples)))
    return 1 if any(sample.failure for sample in samples) else 0


if __name__ == "__main__":
    sys.exit(main())
