"""docs/configuration.md describes every key, and the examples are valid."""

import re
from pathlib import Path

import msgspec
import pytest

from checks.definition.options import PROBE_TYPES
from hadirector.config import load
from hadirector.config.director.schema import DirectorSection
from hadirector.config.document.explain import sections_in
from hadirector.config.keys.build import filled_fields
from hadirector.config.keys.section import Section
from hadirector.config.loader import load_hosts
from hadirector.config.pools.schema import PoolSection, RealServerSection
from hadirector.config.schema import Root
from hadirector.config.scripts.schema import ScriptSection
from hadirector.config.services.schema import VirtualServerSection
from hadirector.config.tracking.schema import TrackSection
from hadirector.config.vrrp.routes.schema import RouteSection
from hadirector.config.vrrp.schema import UnicastSection, VrrpSection
from hadirector.model.configuration import Configuration, RealServer, VirtualServer
from hadirector.model.ipvs import Service
from tests.reference.tables import PAGE as PAGE_FILE
from tests.reference.tables import SECTIONS, format_duration, render
from vrrp.model.configuration import (
    InstanceConfiguration,
    TrackedObject,
    Unicast,
    VirtualRoute,
)
from vrrp.protocol.packet import DropReason

TREE = Path(__file__).parents[3]
PAGE = PAGE_FILE.read_text(encoding="utf-8")
EXAMPLES = sorted((TREE / "configs").glob("*.yaml"))

MODELS: list[tuple[type[Section], type[msgspec.Struct]]] = [
    (DirectorSection, Configuration),
    (VrrpSection, InstanceConfiguration),
    (UnicastSection, Unicast),
    (RouteSection, VirtualRoute),
    (TrackSection, TrackedObject),
    (VirtualServerSection, VirtualServer),
    (VirtualServerSection, Service),
    (RealServerSection, RealServer),
    *((section, section.model) for section in SECTIONS.values() if section.model is not None),
]
"""Each section with the structs of the model that take the values of its keys."""


def keys_documented_under(heading: str) -> list[str]:
    body = re.search(rf"^#+ {heading}$(.*?)(^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert body is not None
    return re.findall(r"^\| `(\w+)` \|", body[1], re.MULTILINE)


def test_the_tables_are_those_of_the_declarations() -> None:
    """`make tables` writes them."""
    assert render(PAGE) == PAGE


def test_every_section_of_a_file_has_a_table() -> None:
    """A new section is missing in `tests.reference.tables` until its heading is added there."""
    found: set[type[Section]] = set()
    pending: list[type[Section]] = [Root]
    while pending:
        section = pending.pop()
        for field in section.model_fields.values():
            for inner in set(sections_in(field.annotation)) - found:
                found.add(inner)
                pending.append(inner)
    # Other sections have the keys of these two, which have tables of their own.
    assert found | {PoolSection, ScriptSection} == set(SECTIONS.values())


def test_a_row_shows_the_key_its_type_its_default_and_its_meaning() -> None:
    """The row of quorum in config/pools/schema.py."""
    assert (
        "| `quorum` | 1 to 2147483647 | 1 | The total weight of passing real servers that the pool"
        " needs. "
    ) in PAGE


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "200ms"), (1.0, "1s"), (90.0, "90s"), (300.0, "5m"), (7200.0, "2h")],
)
def test_a_default_duration_has_the_largest_whole_unit(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(("section", "model"), MODELS, ids=lambda cls: cls.__name__)
def test_a_key_and_its_field_of_the_model_have_the_same_default(
    section: type[Section], model: type[msgspec.Struct]
) -> None:
    """Values that code makes without a file have the documented defaults."""
    fields = {field.name: field for field in msgspec.structs.fields(model)}
    for name, key in filled_fields(model, section):
        default = section.model_fields[key].default
        given = not section.model_fields[key].is_required() and default not in (None, [])
        converted = isinstance(default, Section) or key == "transport"
        if given and not converted and not fields[name].required:
            assert default == fields[name].default, key


@pytest.mark.parametrize("name", PROBE_TYPES)
def test_each_type_of_probe_documents_exactly_its_options(name: str) -> None:
    """The table of a type that extends another type, such as https, has only the added keys."""
    options = PROBE_TYPES[name]
    inherited = getattr(options.__base__, "__struct_fields__", ())
    own = [each for each in options.__struct_fields__ if each not in inherited]
    assert keys_documented_under(name) == own


def test_every_reason_to_drop_an_advertisement_is_explained() -> None:
    """An operator can look up the meaning of every count."""
    body = PAGE.split("### Dropped advertisements")[1].split("\n#")[0]
    rows = [line.split("|")[1] for line in body.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", "".join(rows))) == sorted(DropReason)


def test_every_top_level_key_has_a_heading() -> None:
    """The page has one section for each key of the file."""
    headings = set(re.findall(r"^## (\w+)$", PAGE, re.MULTILINE))
    assert set(Root.model_fields) <= headings


def test_every_later_key_is_named_as_unsupported() -> None:
    """The page lists the keys that are refused as not supported yet."""
    chapter = PAGE.split("## Not supported by this version yet")[1]
    later = {key for section in SECTIONS.values() for key in section.later}
    assert {key for key in later if f"`{key}`" not in chapter} == set()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_valid(example: Path) -> None:
    """An operator can start with any file in configs."""
    hosts, _ = load_hosts(example)
    assert all(host.configuration.virtual_servers for host in hosts)


def test_one_file_serves_both_hosts_of_a_pair() -> None:
    """The hosts differ only in their priority."""
    (lb1, lb2), notes = load_hosts(TREE / "configs/pair-one-file.yaml")
    assert notes == ()
    assert (lb1.name, lb1.configuration.vrrp[0].priority) == ("lb1", 200)
    assert (lb2.name, lb2.configuration.vrrp[0].priority) == ("lb2", 100)
    assert lb1.configuration.virtual_servers == lb2.configuration.virtual_servers


def test_the_files_of_the_example_pair_have_the_same_virtual_servers() -> None:
    """Otherwise a takeover would change the service for clients."""
    active, backup = (load(TREE / f"configs/pair-{name}.yaml") for name in ("active", "backup"))
    assert active.virtual_servers == backup.virtual_servers
    assert [each.priority for each in active.vrrp + backup.vrrp] == [200, 100]
