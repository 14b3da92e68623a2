"""Run a director with IPVS at the interface vec0, and print its kernel table after each change.

The page of the director is at `URL`. This program runs inside User-Mode Linux until it is killed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from hadirector.web.tokens import Token, digest_of, format_tokens
from tests.lab.probes.certificates import made_in

OUTSIDE: Final = "10.98.0.1/24"
ADDRESS: Final = "10.98.0.2"
URL: Final = f"https://{ADDRESS}:8443"
END_OF_TABLE: Final = "."
LOOK_SECONDS: Final = 0.1

CONFIGURATION: Final = """\
director: {{name: lb1, runtime_directory: {directory}/run}}
api:
  listen: 10.98.0.2:8443
  tokens_file: {directory}/tokens
  tls: {{certificate: {directory}/lb1.pem, key: {directory}/lb1.key}}
virtual_servers:
  - name: web
    address: 10.98.0.2:80
    scheduler: rr
    forwarding: nat
    check: none
    real_servers: [{{address: 10.98.0.11}}, {{address: 10.98.0.12}}]
"""


def main() -> None:
    """Start the director, and print the table until killed."""
    for words in (f"address add {ADDRESS}/24 dev vec0", "link set vec0 up"):
        subprocess.run(["ip", *words.split()], check=True)
    directory = Path(tempfile.mkdtemp())
    made_in(directory).sign("lb1", "lb1", f"IP:{ADDRESS}")
    tokens = directory / "tokens"
    tokens.write_bytes(format_tokens([Token("ann", "operate", digest_of("operate"))]))
    tokens.chmod(0o600)
    file = directory / "hadirector.yaml"
    file.write_text(CONFIGURATION.format(directory=directory))
    director = subprocess.Popen([sys.executable, "-m", "hadirector", "run", "-c", str(file)])
    before = None
    while director.poll() is None:
        table = subprocess.check_output(["ipvsadm", "-Sn"], text=True)
        if table != before:
            sys.stdout.write(f"{table}{END_OF_TABLE}\n")
            sys.stdout.flush()
            before = table
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main()
