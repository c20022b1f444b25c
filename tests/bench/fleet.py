"""A fleet of agents on simulated time: what it writes to the API server, and how soon a dead agent is known.

Every node runs the agent's own ``Pacing`` and ``Announcements``; sampling, transport and the server are simulated, and
an answer takes no time. ``python -m tests.bench.fleet`` prints the table of ``docs/publishing.md``, in some three
minutes; the same seed gives the same figures.
"""

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from agent.announcement import Announcements
from agent.pacing import Pacing, Reason
from contracts.features import FEATURE_SCHEMA_V1
from contracts.nodestate import Coverage, DomainState, Metadata, NodeState, Status, Window
from contracts.regime import Regime

NODES = 5000
WINDOW_SECONDS = 10.0
FIRST_WINDOW_SECONDS = 1.0
HEARTBEAT_SECONDS = 120.0
STALE_AFTER_SECONDS = 300.0
"""The extender's ``stale_after_seconds``."""

QUIET_NOISE = 0.01
"""Standard deviation of every feature, as a share of its range. On the testbed the noisiest feature of an idle node has
half of that, and of a node with tenants as much; most have a tenth."""

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_POOL = 256
_WIDTHS = np.array([spec.maximum - spec.minimum for spec in FEATURE_SCHEMA_V1.features])
_MIDDLES = np.array([(spec.maximum + spec.minimum) / 2 for spec in FEATURE_SCHEMA_V1.features])

Seconds = NDArray[np.float64]
NextState = Callable[[random.Random, int], NodeState]
"""What a node's window shows, by the window's number."""


def quiet_states(seed: int, *, noise: float = QUIET_NOISE, regimes: Sequence[Regime] = (Regime.QUIET,)) -> NextState:
    """Windows of two domains around the middle of every range.

    Args:
        seed: of the noise.
        noise: standard deviation as a share of a feature's range.
        regimes: taken in turn, two windows each.
    """
    rng = np.random.default_rng(seed)
    pools = [[_state(rng, noise=noise, regime=regime) for _ in range(_POOL)] for regime in regimes]
    return lambda chance, window: pools[window // 2 % len(pools)][int(chance.random() * _POOL)]


def _state(rng: np.random.Generator, *, noise: float, regime: Regime) -> NodeState:
    window = Window(start=_NOW, end=_NOW + timedelta(seconds=WINDOW_SECONDS))
    domains = []
    for name in ("socket0", "socket1"):
        shares = np.clip(rng.normal(0.0, noise, len(_WIDTHS)), -0.5, 0.5)
        features = tuple(float(value) for value in _MIDDLES + shares * _WIDTHS)
        domains.append(DomainState(name=name, window=window, features=features, regime=regime))
    status = Status(
        agent_version="1",
        feature_schema=FEATURE_SCHEMA_V1.digest,
        heartbeat=_NOW,
        regimes=",".join(domain.regime.value for domain in domains),
        coverage=Coverage(wanted=1, opened=1),
        domains=tuple(domains),
    )
    return NodeState(metadata=Metadata(name="n"), status=status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """From when until when the API server answers nobody."""

    begins_seconds: float
    ends_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What is simulated.

    Attributes:
        name: for the table.
        states: what the windows show.
        duration_seconds: simulated.
        nodes: how many.
        start_seconds: the agents start evenly at random within so long.
        outage: of the API server, if there is one.
        lost_share: of all writes otherwise, 0 to 1: they fail at random.
        dying: how many nodes die, each at random in the second half.
        seed: of everything.
    """

    name: str
    states: NextState
    duration_seconds: float
    nodes: int = NODES
    start_seconds: float = 1.0
    outage: Outage | None = None
    lost_share: float = 0.0
    dying: int = 0
    seed: int = 1


@dataclass(slots=True, kw_only=True)
class FleetRecord:
    """What happened, in seconds since the first start.

    Attributes:
        writes: times of all writes.
        failures: times of all that failed.
        reasons: how many writes by reason.
        oldest_seconds: the greatest age that a living node's state had at its readers, outages included.
        unnoticed_seconds: the longest time from a node's death until its state counted as stale.
        recovered_seconds: from the end of the outage until every node had written again.
    """

    writes: list[float] = field(default_factory=list)
    failures: list[float] = field(default_factory=list)
    reasons: dict[Reason, int] = field(default_factory=dict)
    oldest_seconds: float = 0.0
    unnoticed_seconds: float = 0.0
    recovered_seconds: float = 0.0


class _Event(IntEnum):
    WINDOW = 0
    ATTEMPT = 1


class _Node:
    __slots__ = ("announcements", "chance", "dies_at_seconds", "known_seconds", "measured_seconds", "windows")

    def __init__(self, name: str, *, seed: int, dies_at_seconds: float) -> None:
        self.chance = random.Random(seed)
        pacing = Pacing(node=name, heartbeat_seconds=HEARTBEAT_SECONDS)
        self.announcements = Announcements(pacing, share=self.chance.random)
        self.dies_at_seconds = dies_at_seconds
        self.windows = 0
        self.measured_seconds = 0.0
        self.known_seconds: float | None = None


def simulate(fleet: Fleet) -> FleetRecord:
    """Let the fleet run."""
    chance = random.Random(fleet.seed)
    record = FleetRecord()
    half = fleet.duration_seconds / 2
    nodes = [
        _Node(
            f"spr-{index:04}",
            seed=chance.getrandbits(64),
            dies_at_seconds=chance.uniform(half, fleet.duration_seconds) if index < fleet.dying else np.inf,
        )
        for index in range(fleet.nodes)
    ]
    events = [
        (chance.uniform(0.0, fleet.start_seconds) + FIRST_WINDOW_SECONDS, index, _Event.WINDOW)
        for index in range(fleet.nodes)
    ]
    heapq.heapify(events)
    while events and events[0][0] < fleet.duration_seconds:
        now, index, event = heapq.heappop(events)
        node = nodes[index]
        if now >= node.dies_at_seconds:
            continue
        if event is _Event.WINDOW:
            _window_ends(node, fleet.states, now)
            heapq.heappush(events, (now + WINDOW_SECONDS, index, _Event.WINDOW))
        else:
            _attempt(node, fleet, record, now)
        due = node.announcements.at_seconds
        if due is not None and due < node.measured_seconds + WINDOW_SECONDS:
            heapq.heappush(events, (max(due, now), index, _Event.ATTEMPT))
    _note_deaths(nodes, record)
    return record


def _window_ends(node: _Node, states: NextState, now: float) -> None:
    node.announcements.offer(states(node.chance, node.windows), now_seconds=now)
    node.measured_seconds = now
    node.windows += 1


def _attempt(node: _Node, fleet: Fleet, record: FleetRecord, now: float) -> None:
    due = node.announcements.at_seconds
    if due is None or due > now:
        return
    sent = node.announcements.take()
    is_away = fleet.outage is not None and fleet.outage.begins_seconds <= now < fleet.outage.ends_seconds
    if is_away or node.chance.random() < fleet.lost_share:
        record.failures.append(now)
        node.announcements.failed(sent, now_seconds=now)
        return
    record.writes.append(now)
    record.reasons[sent.reason] = record.reasons.get(sent.reason, 0) + 1
    if node.known_seconds is not None:
        record.oldest_seconds = max(record.oldest_seconds, now - node.known_seconds)
        if fleet.outage is not None and node.known_seconds < fleet.outage.ends_seconds <= now:
            record.recovered_seconds = max(record.recovered_seconds, now - fleet.outage.ends_seconds)
    node.known_seconds = node.measured_seconds
    node.announcements.written(sent, now_seconds=now)


def _note_deaths(nodes: Sequence[_Node], record: FleetRecord) -> None:
    for node in nodes:
        if node.dies_at_seconds < np.inf and node.known_seconds is not None:
            noticed = node.known_seconds + STALE_AFTER_SECONDS
            record.unnoticed_seconds = max(record.unnoticed_seconds, noticed - node.dies_at_seconds)


def rates(times: Sequence[float], *, bin_seconds: float, begins_seconds: float, ends_seconds: float) -> Seconds:
    """How many a second in each whole bin between two times."""
    bins = int((ends_seconds - begins_seconds) // bin_seconds)
    edges = begins_seconds + bin_seconds * np.arange(bins + 1)
    return np.histogram(times, bins=edges)[0] / bin_seconds


def fleets(*, hours: float = 1.0) -> tuple[Fleet, ...]:
    """The table's rows."""
    quiet, seconds = quiet_states(1), hours * 3600.0
    moving = quiet_states(2, noise=0.3)
    flapping = quiet_states(3, regimes=(Regime.QUIET, Regime.LLC))
    return (
        Fleet(name="quiet, all started within a second", states=quiet, duration_seconds=seconds),
        Fleet(name="quiet, rolled out over ten minutes", states=quiet, duration_seconds=seconds, start_seconds=600.0),
        Fleet(name="quiet, one write in a hundred lost", states=quiet, duration_seconds=seconds, lost_share=0.01),
        Fleet(name="quiet, a thousand nodes die", states=quiet, duration_seconds=seconds, dying=1000),
        Fleet(
            name="quiet, the API server away for ten minutes",
            states=quiet,
            duration_seconds=seconds,
            outage=Outage(begins_seconds=1200.0, ends_seconds=1800.0),
        ),
        Fleet(
            name="busy: every feature anywhere in every window",
            states=moving,
            duration_seconds=seconds / 4,
            start_seconds=300.0,
        ),
        Fleet(
            name="flapping: another regime every two windows",
            states=flapping,
            duration_seconds=seconds / 4,
            start_seconds=300.0,
        ),
    )


_HEADER = """\
| 5,000 nodes | writes/s, mean | most in 10 s | p99 of 1 s | most in 1 s | failures/s, most in 10 s | oldest state | |
|---|---|---|---|---|---|---|---|"""


def row(fleet: Fleet, record: FleetRecord) -> str:
    """One line of the table; the start itself, in which every node writes once, is left out."""
    settled = fleet.start_seconds + FIRST_WINDOW_SECONDS + 10.0

    def rates_of(times: Sequence[float], bin_seconds: float) -> Seconds:
        return rates(times, bin_seconds=bin_seconds, begins_seconds=settled, ends_seconds=fleet.duration_seconds)

    tens, ones, failures = rates_of(record.writes, 10.0), rates_of(record.writes, 1.0), rates_of(record.failures, 10.0)
    note = f"dead known after {record.unnoticed_seconds:.0f} s" if fleet.dying else ""
    if fleet.outage is not None:
        note = f"all known again after {record.recovered_seconds:.0f} s"
    return (
        f"| {fleet.name} | {tens.mean():.1f} | {tens.max():.1f} | {np.quantile(ones, 0.99):.0f} | {ones.max():.0f} "
        f"| {failures.max():.1f} | {record.oldest_seconds:.0f} s | {note} |"
    )


def main() -> None:
    """Print the table."""
    print(_HEADER)
    for fleet in fleets():
        print(row(fleet, simulate(fleet)), flush=True)


if __name__ == "__main__":
    main()
