"""The environment of a demo: its addresses, configuration files, times and promises."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from hadirector.demo.outcome import Promise

PRIORITIES = {"lb1": 200, "lb2": 100}
FALL = 2
RISE = 2
CRASH_SLACK_SECONDS = 0.05


class UnavailableError(Exception):
    """The demo cannot run on this machine. The message has the reason and the remedy."""


class Timing(msgspec.Struct, frozen=True):
    """The times of the demo, in seconds.

    The demo observes the client for ``observation`` after each event, and waits up to
    ``wait_max`` for a state. ``allowance`` is added to each bound, for a slow kernel.
    """

    advert_interval: float
    check_interval: float
    check_timeout: float
    request_interval: float
    request_timeout: float
    observation: float
    session_interval: float = 0.2
    wait_max: float = 30.0
    allowance: float = 0.0

    @property
    def server_death(self) -> Promise:
        """The longest time in which new connections still go to a killed real server."""
        return Promise(
            FALL * self.check_interval + self.check_timeout + self.allowance,
            self._formula("fall x interval + timeout"),
        )

    @property
    def director_crash(self) -> Promise:
        """The Active_Down_Interval of the BACKUP director (RFC 9568 6.1), plus 50 ms."""
        skew = (256 - PRIORITIES["lb2"]) / 256 * self.advert_interval
        return Promise(
            3 * self.advert_interval + skew + CRASH_SLACK_SECONDS + self.allowance,
            self._formula("3 x advert interval + skew + 50 ms"),
        )

    @property
    def no_failure(self) -> Promise:
        """The promise that no request fails."""
        return Promise()

    def _formula(self, formula: str) -> str:
        return f"{formula} + {self.allowance:g} s (slow kernel)" if self.allowance else formula


ORDINARY: Final = Timing(
    advert_interval=0.2,
    check_interval=0.3,
    check_timeout=0.2,
    request_interval=0.01,
    request_timeout=1.0,
    observation=1.5,
)
"""The times on an ordinary kernel."""


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """The environment of a demo.

    The client connects to ``virtual_address``. ``service_addresses`` are the addresses at which
    directors serve, if they are others. ``sections`` are the lines of the configuration of each
    director that make it take connections. ``prefixes`` maps a process to the command that runs it
    on its host.
    """

    dataplane: str
    virtual_address: str
    port: int
    web_addresses: Mapping[str, str]
    web_port: int
    web_listens_on: str | None = None
    sections: Mapping[str, str]
    service_addresses: Mapping[str, str] = {}
    virtual_server_lines: str
    timing: Timing
    prefixes: Mapping[str, list[str]]

    @property
    def directors(self) -> tuple[str, ...]:
        """The names of the directors."""
        return tuple(self.sections)

    def configuration(self, director: str, directory: Path) -> str:
        """Return the configuration file of a director."""
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
{self.sections[director]}
virtual_servers:
  - name: web
    address: {self._service_address(director)}:{self.port}
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

    def shorten(self, operation: str) -> str:
        """Shorten the text of an IPVS operation: name the web server, and leave out the service."""
        short = operation
        for at in (self.virtual_address, *self.service_addresses.values()):
            service = f"tcp {at}:{self.port}"
            short = short.replace(f" to {service}", "").replace(f" of {service}", "")
        for name, address in self.web_addresses.items():
            short = short.replace(f"{address}:{self.web_port}", name)
        return short

    def _service_address(self, director: str) -> str:
        return self.service_addresses.get(director, self.virtual_address)


def pair_section(
    director: str, interface: str, virtual_address: str, timing: Timing, lines: str
) -> str:
    """Return the section vrrp of a director of the pair."""
    return f"""\
vrrp:
  - name: web
    interface: {interface}
    virtual_router_id: 51
    priority: {PRIORITIES[director]}
    advert_interval: {timing.advert_interval * 1000:g}ms
    virtual_addresses: [{virtual_address}]
{lines}"""


def api_socket(directory: Path, director: str) -> Path:
    """Return the path of the API socket of a director."""
    return directory / director / "api.sock"
