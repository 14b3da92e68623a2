"""A real keepalived as a director: VRRP, checks and IPVS, with two web servers."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from hadirector.lab.topology import Host

START_SECONDS: Final = 60.0
"""In User-Mode Linux a director imports its modules slowly."""

_CONFIGURATION: Final = """\
vrrp_instance VI_1 {
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority PRIORITY
    advert_int 1
    virtual_ipaddress {
        192.168.122.22/32
    }
}
virtual_server 192.168.122.22 80 {
    delay_loop 1
    lb_algo rr
    lb_kind METHOD
    protocol TCP
    real_server 192.168.122.45 80 {
        TCP_CHECK {
            connect_timeout 1
        }
    }
    real_server 192.168.122.46 80 {
        TCP_CHECK {
            connect_timeout 1
        }
    }
}
"""


def configuration_of(host: Host, directory: Path) -> Path:
    """Return the file of the keepalived of a host."""
    return directory / f"{host.name}.conf"


def log_of(host: Host, directory: Path) -> Path:
    """Return the log of the keepalived of a host."""
    return directory / f"{host.name}.keepalived.log"


def start_keepalived(
    host: Host, directory: Path, priority: int, method: str, heading: str = "", *options: str
) -> subprocess.Popen[str]:
    """Start a keepalived with options.

    ``method`` is its lb_kind, and ``heading`` comes before all blocks.
    """
    file = configuration_of(host, directory)
    text = _CONFIGURATION.replace("PRIORITY", str(priority)).replace("METHOD", method)
    file.write_text(heading + text)
    base = directory / host.name
    with log_of(host, directory).open("a") as output:
        return host.start(
            *("keepalived", "-n", "-l", "-D", "-f", str(file)),
            *("-p", f"{base}.pid", "-r", f"{base}.vrrp.pid", "-c", f"{base}.checkers.pid"),
            *options,
            output=output,
        )
