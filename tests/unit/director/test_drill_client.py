"""The addresses that get the probes of a drill, and where the probes go."""

from __future__ import annotations

from hadirector.director.drill_client import held_addresses
from tests.builders import an_instance


def test_an_instance_that_a_reload_has_removed_gets_no_probes() -> None:
    """Its handover fails later, with a reason."""
    web = an_instance(name="web", virtual_addresses=("192.0.2.10/24",))
    assert held_addresses({"web": web}, ("web", "mail")) == ["192.0.2.10"]
