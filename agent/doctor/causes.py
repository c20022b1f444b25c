"""Which one thing keeps an event from counting.

Each event that does not count is put down to one topic, so that a list ordered by features says which change brings
most. Where several changes are needed, the topic is the one without which the others are in vain.
"""

from agent.coverage import wanted_events
from agent.doctor.check import Topic
from agent.doctor.node import UNCORE_TOPICS, Node
from agent.encoding import encode
from agent.errors import EncodingError
from agent.event_table import definition
from contracts.events import EVENTS, Pmu
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import EventGroup, IsolatedCpuPolicy

_BY_ERRNO = {"EMFILE": Topic.OPEN_FILES, "ENFILE": Topic.OPEN_FILES, "EDQUOT": Topic.REMOTE_READS}


def causes(node: Node) -> dict[Topic, frozenset[str]]:
    """Every event of the contract that does not count in all domains, by what keeps it from that.

    Args:
        node: examined, its causes not yet known.
    """
    by_topic: dict[Topic, set[str]] = {}
    for event in FEATURE_SCHEMA_V1.events - node.probe.counting:
        by_topic.setdefault(_cause(event, node), set()).add(event)
    return {topic: frozenset(events) for topic, events in by_topic.items()}


def _cause(event: str, node: Node) -> Topic:
    if event not in wanted_events():
        return Topic.CACHE if event == "NODE.LLC_BYTES" else Topic.CPU
    pmu = EVENTS[event].pmu
    if _group_of(pmu) not in node.settings.event_groups:
        return Topic.EVENT_GROUPS
    if pmu is Pmu.RESCTRL:
        is_unread = event in node.probe.opened or _errno(event, node) == "ENODEV"
        return Topic.ISOLATED_CPUS if is_unread and _is_spared(pmu, node) else Topic.RESCTRL
    if not node.topology.characterised:
        return Topic.CPU
    if event in node.probe.opened:
        return Topic.ISOLATED_CPUS if _is_spared(pmu, node) else Topic.READINGS
    return _refusal(event, pmu, node)


def _refusal(event: str, pmu: Pmu, node: Node) -> Topic:
    """Why an event that a source wanted did not open."""
    own = UNCORE_TOPICS.get(pmu, Topic.CORE)
    number = _errno(event, node)
    if number in _BY_ERRNO:
        return _BY_ERRNO[number]
    if number in {"EACCES", "EPERM"}:
        return _forbidden_by(node) or own
    if number == "ENODEV":
        return Topic.ISOLATED_CPUS if _is_spared(pmu, node) else Topic.ONLINE_CPUS
    if number == "EOPNOTSUPP" and pmu is Pmu.IIO and node.has_clusters:
        return Topic.CLUSTERS
    is_unspeakable = number == "EINVAL" and pmu is not Pmu.CORE and not _can_be_said(event, pmu, node)
    return Topic.KERNEL if is_unspeakable else own


def _forbidden_by(node: Node) -> Topic | None:
    if not node.process.may_count:
        return Topic.PERMISSION
    return Topic.SYSTEM_CALLS if node.process.has_filter or node.process.selinux_enforces else None


def _group_of(pmu: Pmu) -> EventGroup:
    if pmu is Pmu.RESCTRL:
        return EventGroup.RESCTRL
    return EventGroup.CORE if pmu is Pmu.CORE else EventGroup.UNCORE


def _errno(event: str, node: Node) -> str:
    entry = node.probe.missing.get(event)
    return "" if entry is None else entry.errno


def _is_spared(pmu: Pmu, node: Node) -> bool:
    """Whether the policy for isolated CPUs keeps some domain's events of that kind from being read."""
    if pmu is not Pmu.CORE:
        return bool(node.topology.left_alone(node.settings.isolated_cpus))
    return _has_spared_domain(node)


def _has_spared_domain(node: Node) -> bool:
    """Whether some domain has no CPU but isolated ones, on which the policy allows no group or one."""
    return node.settings.isolated_cpus is not IsolatedCpuPolicy.FULL and any(
        node.topology.isolated_cpus.issuperset(domain.cpus) for domain in node.topology.domains
    )


def _can_be_said(event: str, pmu: Pmu, node: Node) -> bool:
    """Whether the formats that the kernel gives this kind of box have room for the event."""
    try:
        for box in node.boxes[pmu].readable:
            encode(definition(event), box)
    except EncodingError:
        return False
    return True
