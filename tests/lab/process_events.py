"""The mark of tests that need the process events of the kernel."""

from __future__ import annotations

import pytest

from vrrp.tracking.process_connector import ConnectorError, ProcessConnector


def _find_refusal() -> str:
    """Return why this host reports no process events, for example to a container; or nothing."""
    try:
        ProcessConnector().close()
    except ConnectorError as error:
        return str(error)
    return ""


_REFUSAL = _find_refusal()
needs_process_events = pytest.mark.skipif(bool(_REFUSAL), reason=_REFUSAL)
