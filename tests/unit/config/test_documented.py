"""docs/configuration.md describes every key, and the examples are good."""

import re
from pathlib import Path

import pytest

from checks.definition.options import PROBE_TYPES
from hadirector.config import load
from hadirector.config.checks.schema import CheckSection
from hadirector.config.kernel.schema import (
    ConnectionTimeoutsSection,
    SyncDaemonSection,
    SysctlsSection,
)
from hadirector.config.keys.section import Section
from hadirector.config.pools.schema import FlapDampingSection, SlowStartSection
from hadirector.config.schema import (
    ApiSection,
    AuthenticationSection,
    AuthHmacSection,
    DirectorSection,
    KeySection,
    PreemptSection,
    RealServerSection,
    Root,
    SorryServerSection,
    UnicastSection,
    VirtualMacSection,
    VirtualServerSection,
    VrrpSection,
)
from hadirector.config.services.schema import TunnelSection
from hadirector.config.tracking.schema import NotifySection, SyncGroupSection, TrackSection
from hadirector.config.vrrp.addresses.schema import AddressSection
from hadirector.config.vrrp.routes.schema import RouteSection, RuleSection
from vrrp.protocol.packet import DropReason

TREE = Path(__file__).parents[3]
PAGE = (TREE / "docs/configuration.md").read_text()
EXAMPLES = sorted((TREE / "configs").glob("*.yaml"))

SECTIONS: dict[str, type[Section]] = {
    "director": DirectorSection,
    "api": ApiSection,
    "sysctls": SysctlsSection,
    "connection_timeouts": ConnectionTimeoutsSection,
    "vrrp": VrrpSection,
    "virtual_addresses": AddressSection,
    "virtual_routes": RouteSection,
    "virtual_rules": RuleSection,
    "preempt": PreemptSection,
    "track": TrackSection,
    "notify": NotifySection,
    "sync_groups": SyncGroupSection,
    "virtual_mac": VirtualMacSection,
    "unicast": UnicastSection,
    "authentication": AuthenticationSection,
    "auth_hmac": AuthHmacSection,
    "keys": KeySection,
    "sync_daemon": SyncDaemonSection,
    "virtual_servers": VirtualServerSection,
    "real_servers": RealServerSection,
    "slow_start": SlowStartSection,
    "flap_damping": FlapDampingSection,
    "sorry_server": SorryServerSection,
    "tunnel": TunnelSection,
    "check": CheckSection,
}


def keys_documented_under(heading: str) -> list[str]:
    body = re.search(rf"^#+ {heading}$(.*?)(^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert body is not None
    return re.findall(r"^\| `(\w+)` \|", body[1], re.MULTILINE)


@pytest.mark.parametrize(("heading", "section"), SECTIONS.items())
def test_each_section_documents_exactly_its_keys(heading: str, section: type[Section]) -> None:
    """A key without a row, and a row without a key, are both faults of the page."""
    assert keys_documented_under(heading) == section.key_names()


@pytest.mark.parametrize("name", PROBE_TYPES)
def test_each_type_of_probe_documents_exactly_its_options(name: str) -> None:
    """A type made of another one, as https of http, has only what is added in its table."""
    options = PROBE_TYPES[name]
    inherited = getattr(options.__base__, "__struct_fields__", ())
    own = [each for each in options.__struct_fields__ if each not in inherited]
    assert keys_documented_under(name) == own


def test_every_reason_to_drop_an_advertisement_is_explained() -> None:
    """An operator who sees a count can look up what it means."""
    body = PAGE.split("### What is not believed")[1].split("\n#")[0]
    rows = [line.split("|")[1] for line in body.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", "".join(rows))) == sorted(DropReason)


def test_every_top_level_key_has_a_heading() -> None:
    """The page has one section for each key of the file."""
    headings = set(re.findall(r"^## (\w+)$", PAGE, re.MULTILINE))
    assert set(Root.model_fields) <= headings


def test_every_later_key_is_named_as_unsupported() -> None:
    """What is refused as not supported yet is said to be so."""
    chapter = PAGE.split("## Not supported by this version yet")[1]
    later = {key for section in SECTIONS.values() for key in section.later}
    assert {key for key in later if f"`{key}`" not in chapter and f".{key}`" not in chapter} == {
        "tls_certificate_file",
        "tls_key_file",
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_good(example: Path) -> None:
    """An operator can start from any file in configs."""
    configuration = load(example)
    assert configuration.virtual_servers


def test_the_files_of_the_example_pair_mean_the_same_virtual_servers() -> None:
    """A pair that disagrees on its virtual servers would serve differently after a takeover."""
    active, backup = (load(TREE / f"configs/pair-{name}.yaml") for name in ("active", "backup"))
    assert active.virtual_servers == backup.virtual_servers
    assert [each.priority for each in active.vrrp + backup.vrrp] == [200, 100]
