"""What the demo needs of a place to play: addresses, configuration files, times and promises."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from hadirector.demo.judge import Promise

PRIORITIES = {"lb1": 200, "lb2": 100}
FALL = 2
RISE = 2
CRASH_SLACK_SECONDS = 0.05


class StageError(Exception):
    """The demo cannot be played here. The message says why, and what helps."""


class Timing(msgspec.Struct, frozen=True):
    """Seconds. ``settle`` is watched after each event, ``patience`` waited for what must come.

    ``widening`` is added to every bound where the kernel is a slow one.
    """

    advert_interval: float
    check_interval: float
    check_timeout: float
    request_interval: float
    request_patience: float
    settle: float
    patience: float = 30.0
    widening: float = 0.0

    @property
    def server_death(self) -> Promise:
        """How long a dead real server may still be given connections."""
        return Promise(
            FALL * self.check_interval + self.check_timeout + self.widening,
            self._because("fall x interval + timeout"),
        )

    @property
    def director_crash(self) -> Promise:
        """How long the BACKUP may take (RFC 9568 6.1: Active_Down_Interval), and 50 ms."""
        skew = (256 - PRIORITIES["lb2"]) / 256 * self.advert_interval
        return Promise(
            3 * self.advert_interval + skew + CRASH_SLACK_SECONDS + self.widening,
            self._because("3 x advert interval + skew + 50 ms"),
        )

    @property
    def nothing(self) -> Promise:
        """Nothing fails."""
        return Promise()

    def _because(self, formula: str) -> str:
        return f"{formula} + {self.widening:g} s (slow kernel)" if self.widening else formula


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One place to play. ``inside`` maps a host to what a command needs in front to run there."""

    dataplane: str
    virtual_address: str
    port: int
    web_addresses: Mapping[str, str]
    web_port: int
    web_listens_on: str | None = None
    interface: str
    vrrp_lines: Mapping[str, str]
    virtual_server_lines: str
    timing: Timing
    inside: Mapping[str, list[str]]

    def configuration(self, director: str, directory: Path) -> str:
        """Write a director's configuration file."""
        timing = self.timing
        real_servers = "\n".join(
            f"      - {{address: {address}:{self.web_port}}}"
            for address in self.web_addresses.values()
        )
        return f"""\
director:
  name: {director}
  dataplane: {self.dataplane}
  runtime_directory: {directory / director}
api:
  unix: {api_socket(directory, director)}
vrrp:
  - name: web
    interface: {self.interface}
    virtual_router_id: 51
    priority: {PRIORITIES[director]}
    advert_interval: {timing.advert_interval * 1000:g}ms
    virtual_addresses: [{self.virtual_address}]
{self.vrrp_lines[director]}
virtual_servers:
  - name: web
    address: {self.virtual_address}:{self.port}
{self.virtual_server_lines}
    check:
      type: http
      path: /healthz
      interval: {timing.check_interval * 1000:g}ms
      timeout: {timing.check_timeout * 1000:g}ms
      rise: {RISE}
      fall: {FALL}
    real_servers:
{real_servers}
"""

    def in_names(self, operation: str) -> str:
        """Shorten what a director says of its table: web servers by name, the service left out."""
        service = f"tcp {self.virtual_address}:{self.port}"
        short = operation.replace(f" to {service}", "").replace(f" of {service}", "")
        for name, address in self.web_addresses.items():
            short = short.replace(f"{address}:{self.web_port}", name)
        return short


def api_socket(directory: Path, director: str) -> Path:
    """Where a director takes orders."""
    return directory / director / "api.sock"
