"""Files in the shape of real files, with the faults and notes that each file gives."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from hadirector.config.keepalived.keywords.parts import TABLES
from tests.unit.config.keepalived.reading import read

CORPUS: Final = Path(__file__).parents[4] / "corpus" / "keepalived"

OUTCOMES: Final[dict[str, tuple[str, dict[str, int]]]] = {
    "announcement-timing": (
        "",
        {"announcements": 8, "lower_prio_no_advert": 2, "owner_ignore_adverts": 1},
    ),
    "authentication-ah": ("5:19", {}),
    "delays": ("", {"start_delay": 1, "flap_delay": 1}),
    "direct-cable": ("", {}),
    "dual-stack": ("", {"nodad": 1}),
    "empty-peers": ("", {"multicast": 1}),
    "haproxy-pair": ("", {"router_id": 1, "process": 1}),
    "hmac": ("9:21 6:15", {}),
    "ipv6": ("", {"version": 1, "IPv6 address": 2}),
    "life-cycle-scripts": ("2:5 3:5 4:5", {}),
    "mail-settings": ("", {"mail": 7, "router_id": 1}),
    "misspelt": ("2:5 7:5 9:5 11:19 11:26", {}),
    "mixed-families": ("", {"broadcast": 1, "address family": 1, "second address": 1}),
    "multicast-source": ("", {}),
    "namespaces": ("1:1 2:1", {}),
    "next-hops": ("", {}),
    "nginx-backup": ("", {}),
    "no-accept": ("6:5", {"linkbeat": 1}),
    "notify-scripts": ("", {"notify_deleted": 2, "fifo": 1}),
    "odd-names": ("", {"timer_expired_backup": 1, "state": 1, "name": 1}),
    "passwords": ("", {"auth_pass": 1, "authentication": 2}),
    "process-arguments": ("", {"fork_delay": 1}),
    "process-ranges": ("14:16 19:5 23:17 27:21", {"fork_delay": 1}),
    "process-settings": (
        "",
        {
            "process_names": 2,
            "scheduling": 4,
            "realtime": 2,
            "reload": 1,
            "use_symlink_paths": 1,
            "disable_local_igmp": 1,
            "instance": 1,
        },
    ),
    "refused-stacks": ("10:1 2:5 4:5 5:5 7:5 20:5", {"fifo": 1}),
    "role-without-address": ("", {}),
    "routes-and-rules": ("", {"rule priority": 1}),
    "routes-refused": ("8:46 9:38 10:44 13:35", {}),
    "shell-scripts": ("2:13 6:13", {}),
    "static": ("1:1 4:1 7:1 10:1", {}),
    "strict-off": ("", {}),
    "strict": ("2:5", {}),
    "sync-daemon": ("", {"flush": 1, "old words": 1, "sync daemon": 1}),
    "sync-group-of-one": ("", {"no members": 2, "no instance": 1, "group of one": 1}),
    "sync-group-weights": ("", {"void weight": 3}),
    "sync-group": ("", {"mail": 1}),
    "tracking-mistakes": (
        "",
        {
            "second definition": 1,
            "weight": 1,
            "order": 2,
            "not defined": 1,
            "tracked twice": 1,
            "not tracked": 1,
            "void weight": 1,
        },
    ),
    "tracking": ("", {"init_fail": 1, "process path": 1}),
    "unicast-all-nodes": ("", {"own peer": 1, "second peer": 1}),
    "unicast-cloud": ("", {}),
    "unicast-options": ("", {"unicast_ttl": 1, "ttl": 2}),
    "unicast-without-source": ("", {}),
    "virtual-mac-options": ("5:5 6:5 4:24", {}),
    "virtual-mac": ("", {"vmac_xmit_base": 1}),
}
"""By file: the places of the faults, and the number of notes of each kind."""


def text_of(name: str) -> str:
    return (CORPUS / f"vrrp-{name}.conf").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_file_has_its_faults_and_notes(name: str) -> None:
    places, kinds = OUTCOMES[name]
    found = read(text_of(name))
    assert " ".join(":".join(fault.split(":")[:2]) for fault in found.faults) == places
    assert Counter(kind for kind, _ in found.notes) == kinds


def test_every_file_has_an_expected_outcome() -> None:
    assert {path.stem.removeprefix("vrrp-") for path in CORPUS.glob("vrrp-*.conf")} == set(OUTCOMES)


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_secret_is_never_shown(name: str) -> None:
    found = read(text_of(name))
    shown = " ".join([*found.faults, *(note for _, note in found.notes)])
    secrets = ("k4gTz9", "correcthorse", "correctho", "s3cr3t", "0a1b2c3d", "0011223344556677")
    assert not [secret for secret in secrets if secret in shown]


@pytest.mark.parametrize("name", OUTCOMES)
def test_own_defaults_change_no_fault(name: str) -> None:
    places, _ = OUTCOMES[name]
    found = read(text_of(name), own_defaults=True)
    assert " ".join(":".join(fault.split(":")[:2]) for fault in found.faults) == places


@pytest.mark.parametrize(
    "block", ["vrrp_instance", "vrrp_sync_group", "vrrp_script", "track_file", "vrrp_track_process"]
)
def test_the_files_use_most_keywords_of_a_block(block: str) -> None:
    words = {word for name in OUTCOMES for word in text_of(name).split()}
    assert len(set(TABLES[block]) & words) >= 0.75 * len(TABLES[block])
