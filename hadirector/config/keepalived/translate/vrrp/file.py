"""Translates all parts of a file except the virtual servers."""

from __future__ import annotations

from collections.abc import Sequence

from hadirector.config.keepalived.node import Node, sequence
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.statement import Statement
from hadirector.config.keepalived.translate.vrrp.defaults import read_globals
from hadirector.config.keepalived.translate.vrrp.delays import read_delays
from hadirector.config.keepalived.translate.vrrp.groups import group_node, read_groups
from hadirector.config.keepalived.translate.vrrp.instances import instance_nodes, read_instances
from hadirector.config.keepalived.translate.vrrp.settings import (
    director_node,
    sync_daemon_node,
    timeouts_node,
)
from hadirector.config.keepalived.translate.vrrp.static import read_static
from hadirector.config.keepalived.translate.vrrp.tracked import read_definitions


def translate_vrrp(root: Sequence[Statement], report: Report, options: Options) -> dict[str, Node]:
    """Return all sections except the virtual servers.

    ``root`` has the top-level statements that must be translated.
    """
    globals_ = read_globals(root, report, options)
    definitions = read_definitions(globals_, report, options)
    instances = read_instances(globals_, report, options)
    names = {facts.name for facts in instances}
    groups = read_groups(globals_, names, definitions, report, options)
    static = read_static(globals_, report, options)
    nodes = instance_nodes(instances, groups, definitions, read_delays(globals_), static)
    for group in groups:
        if len(group.members) == 1:
            message = "a group of one instance is left out; its notify and tracks move to it"
            group.block.note("group of one", group.name.place, message)
    pairs = [group_node(group) for group in groups if len(group.members) > 1]
    sections = {
        "director": director_node(globals_, report),
        "connection_timeouts": timeouts_node(globals_),
        "sync_daemon": sync_daemon_node(globals_, instances),
        "static": static.node,
        "vrrp": sequence(nodes[0].place, nodes) if nodes else None,
        "sync_groups": sequence(pairs[0].place, pairs) if pairs else None,
    }
    return {key: node for key, node in sections.items() if node is not None}
