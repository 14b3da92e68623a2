"""A stub of Kubernetes, Consul and a web server that holds requests, as their documents say.

No real Kubernetes or Consul runs in the lab. The answers follow the API concepts of Kubernetes
("Efficient detection of changes", "410 Gone", "Watch bookmarks") and the documents of Consul
("Blocking Queries", "List Service Instances for Service").
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

MEMBER_PORT = 8080
SLICES = "/apis/discovery.k8s.io/v1/namespaces/web/endpointslices"


class Registry(ThreadingHTTPServer):
    """The members of one service. ``version`` counts its changes."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.version = 10
        self.oldest = 0  # changes before this version are forgotten
        self.states: dict[str, str] = {}
        self.requests: list[tuple[str, Mapping[str, str]]] = []
        self.tokens: list[str] = []
        self.changed = threading.Condition()
        self.over = False

    def set(self, **states: str) -> None:
        """Set the state of members, by the last part of their address, as in ``a1="in"``."""
        with self.changed:
            self.states = {f"127.0.41.{name[1:]}": state for name, state in states.items()}
            self.version += 1
            self.changed.notify_all()

    def forget(self) -> None:
        """Forget the changes until now, as a server of Kubernetes does after some minutes."""
        self.oldest = self.version

    def end(self) -> None:
        """End the requests that are held."""
        with self.changed:
            self.over = True
            self.changed.notify_all()
        self.shutdown()

    def wait_for(self, version: int, seconds: float) -> int:
        """Wait until the version is another one; return it."""
        with self.changed:
            self.changed.wait_for(lambda: self.over or self.version != version, seconds)
            return self.version

    def slice(self) -> dict[str, Any]:
        """Return the EndpointSlice."""
        ready = {"ready": True, "serving": True, "terminating": False}
        draining = {"ready": False, "serving": True, "terminating": True}
        return {
            "metadata": {"name": "web-x7k2p", "resourceVersion": str(self.version)},
            "addressType": "IPv4",
            "ports": [{"name": "metrics", "port": 9100}, {"name": "http", "port": MEMBER_PORT}],
            "endpoints": [
                {
                    "addresses": [address],
                    "conditions": ready if state == "in" else draining,
                    "targetRef": {"kind": "Pod", "uid": f"uid-{address}"},
                }
                for address, state in self.states.items()
            ],
        }

    def health(self) -> list[dict[str, Any]]:
        """Return the instances of the service in Consul: in, in maintenance, or critical."""
        return [
            {
                "Node": {"Node": "node", "Address": address},
                "Service": {"ID": f"id-{address}", "Address": "", "Port": MEMBER_PORT},
                "Checks": [
                    {"CheckID": "serfHealth", "Status": "passing"},
                    {
                        "CheckID": "web" if state != "maintenance" else "_node_maintenance",
                        "Status": "passing" if state == "in" else "critical",
                    },
                ],
            }
            for address, state in self.states.items()
        ]

    def document(self) -> dict[str, Any]:
        """Return the document in our own format."""
        return {
            "members": [
                {"address": address, "port": MEMBER_PORT, "leaving": state != "in"}
                for address, state in self.states.items()
            ]
        }


class _Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        with contextlib.suppress(ConnectionError):  # the client may go away at any time
            self._route()

    def _route(self) -> None:
        registry, (_, _, path, query, _) = self.server, urlsplit(self.path)
        asked = dict(parse_qsl(query))
        registry.requests.append((path, asked))
        registry.tokens.append(self.headers.get("Authorization", ""))
        if path == SLICES and asked.get("watch") == "1":
            self._watch(int(asked["resourceVersion"]))
        elif path == SLICES:
            listed = {"metadata": {"resourceVersion": str(registry.version)}}
            self._answer({**listed, "items": [registry.slice()]})
        elif path == "/v1/health/service/web":
            version = registry.version
            if "index" in asked:
                version = registry.wait_for(int(asked["index"]), 60.0)
            self._answer(registry.health(), ("X-Consul-Index", str(version)))
        elif path == "/document":
            self._hold_document()

    def _hold_document(self) -> None:
        registry, known = self.server, self.headers.get("If-None-Match", "")
        version = registry.version
        if known == f'"{version}"' and self.headers.get("Prefer", "").startswith("wait="):
            version = registry.wait_for(version, float(self.headers["Prefer"][5:]))
        if known == f'"{version}"':
            self.send_response(304)
            self.end_headers()
            return
        self._answer(registry.document(), ("ETag", f'"{version}"'))

    def _watch(self, version: int) -> None:
        """Send the slice at each change, until the client has gone."""
        registry = self.server
        self.send_response(200)
        self.end_headers()
        if version < registry.oldest:
            gone = {"kind": "Status", "code": 410, "message": "too old resource version"}
            self._send({"type": "ERROR", "object": gone})
            return
        self._send({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(version)}}})
        while not registry.over and self._is_read():
            found = registry.wait_for(version, 0.2)
            if found != version:
                version = found
                self._send({"type": "MODIFIED", "object": registry.slice()})

    def _is_read(self) -> bool:
        """Return whether the client still has the connection."""
        self.connection.settimeout(0.001)
        try:
            return bool(self.connection.recv(1))
        except TimeoutError:
            return True
        except OSError:
            return False
        finally:
            self.connection.settimeout(None)

    def _send(self, event: Mapping[str, Any]) -> None:
        self.wfile.write(json.dumps(event).encode() + b"\n")

    def _answer(self, content: object, *headers: tuple[str, str]) -> None:
        self.send_response(200)
        for header in headers:
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def running_registry() -> Iterator[Registry]:
    """Yield a running registry."""
    with Registry() as registry:
        thread = threading.Thread(target=registry.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield registry
        finally:
            registry.end()
            thread.join()
