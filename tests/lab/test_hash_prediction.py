"""The model of the tables of mh and sh predicts the kernel: each flow, and the share that moves."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from hadirector.dataplane.hash_tables import hash_table, moved_share
from hadirector.model.ipvs import ServiceEntry
from tests.lab.test_hash_mapping import (
    FAILING,
    MH,
    SERVERS,
    SH,
    VIRTUAL_ADDRESS,
    director,
    reconcile,
    table,
)

pytestmark = [pytest.mark.ipvs, pytest.mark.timeout(300)]

CLIENTS = ("192.0.2.1", "127.0.1.7")
PORTS = range(1024, 21024)
SHARE_ERROR_MAX = 0.003
"""The standard error of a share of 17 % of 40,000 flows is 0.002. The flows are always the same."""

Owners = dict[tuple[str, int, int], str]
"""The real server by the address and port of the client and the port of the service."""


def read_owners() -> Owners:
    """Send a datagram of each flow to both services; return where the kernel sent it."""
    for client in CLIENTS:
        for port in PORTS:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.bind((client, port))
                for key in (MH, SH):
                    sender.sendto(b"?", (VIRTUAL_ADDRESS, key.port))
    owners: Owners = {}
    for line in Path("/proc/net/ip_vs_conn").read_text().splitlines()[1:]:
        _, client, source, _, service, server, *_ = line.split()
        owners[_address(client), int(source, 16), int(service, 16)] = _address(server)
    return owners


def _address(digits: str) -> str:
    return socket.inet_ntoa(bytes.fromhex(digits))


def predict_owners(tables: Mapping[int, ServiceEntry], clients: Owners) -> Owners:
    made = {port: hash_table(entry) for port, entry in tables.items()}
    predicted = {}
    for client, port, service in clients:
        found = made[service].destination(client, port)
        predicted[client, port, service] = "" if found is None else found.address
    return predicted


async def test_the_model_predicts_every_flow_and_the_moved_share() -> None:
    """20 real servers, then one fails and two leave: 40,000 flows for each scheduler."""
    first = table(SERVERS)
    second = table(SERVERS[:-2], (FAILING,))
    owners = []
    for number, wanted in enumerate((first, second)):
        async with director(20 + number) as dataplane:
            if number:
                await reconcile(dataplane, first)
            await reconcile(dataplane, wanted)
            found = read_owners()
            assert len(found) == 2 * len(CLIENTS) * len(PORTS)
            tables = {key.port: entry for key, entry in wanted.items()}
            predicted = predict_owners(tables, found)
            wrong = [flow for flow in found if found[flow] != predicted[flow]]
            assert not wrong
            owners.append(found)
    for key in (MH, SH):
        flows = [flow for flow in owners[0] if flow[2] == key.port]
        measured = sum(owners[0][flow] != owners[1][flow] for flow in flows) / len(flows)
        expected = moved_share(first[key], second[key])
        assert expected is not None
        print(f"{key}: measured {measured:.4f}, predicted {expected:.4f}")
        assert abs(measured - expected) <= SHARE_ERROR_MAX
