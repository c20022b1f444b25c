"""What would happen on some nodes if a workload came: one row of the interference model for every party.

Parties are the newcomer, once a domain that has room for it, and every resident of these domains. Each row holds what
``serving.interference_row`` would put there; they are only built many at a time. Over the parties the worst one counts,
nothing is summed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.axis import AXES
from contracts.regime import Regime
from contracts.vector import FloatArray
from scheduler_extender.pod import Pod
from scheduler_extender.policy import LeewardPolicy
from scheduler_extender.residents import Household
from scheduler_extender.telemetry import NodeTelemetry
from scheduler_extender.topology import TopologyPolicy, landing_places
from serving.bound_model import BoundModel, Bounds
from serving.interference_row import INTERFERENCE_COLUMNS, KnownWorkload, column_index
from serving.profile_book import ProfileBook

_DOMAIN = slice(0, INTERFERENCE_COLUMNS.index(f"victim.pressure.{AXES[0]}"))


def _columns(prefix: str) -> NDArray[np.intp]:
    return column_index([f"{prefix}.{axis}" for axis in AXES])


_PRESSURE, _SENSITIVITY = _columns("victim.pressure"), _columns("victim.sensitivity")
_HIGHEST, _SECOND = _columns("others.highest"), _columns("others.second")
_COUNT = INTERFERENCE_COLUMNS.index("others.count")
_NO_ROWS = np.empty((0, len(INTERFERENCE_COLUMNS)), dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """A pod in one domain, as a party to a placement.

    Attributes:
        pod: who it is.
        workload: what is known of it.
        tolerance: the slowdown that it tolerates, 1 or more.
        required: nobody may come who would exceed it.
        measured: a whole window has seen it.
    """

    pod: Pod
    workload: KnownWorkload
    tolerance: float
    required: bool
    measured: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DomainOutlook:
    """One domain, ready for any newcomer.

    Attributes:
        name, regime, pressed: as in its telemetry.
        residents: who lives there.
        newcomer: float32 ``(columns,)``, the newcomer's row without what is the newcomer's own.
        neighbours: float32 ``(len(residents), columns)``, each resident's row as long as nobody comes.
    """

    name: str
    regime: Regime
    pressed: float
    residents: tuple[Resident, ...]
    newcomer: FloatArray
    neighbours: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NodeOutlook:
    """One node, ready for any newcomer.

    Attributes:
        telemetry: what it showed last.
        topology: how its kubelet chooses domains.
        domains: all of them.
    """

    telemetry: NodeTelemetry
    topology: TopologyPolicy
    domains: tuple[DomainOutlook, ...]

    def candidates(self, exclusive_cpus: int) -> list[DomainOutlook]:
        """The domains that may take a newcomer, see ``scheduler_extender.topology.landing_places``."""
        return [self.domains[place] for place in landing_places(self.telemetry, exclusive_cpus, self.topology)]


def node_outlook(
    telemetry: NodeTelemetry,
    homes: Sequence[Household],
    book: ProfileBook,
    policy: LeewardPolicy,
    *,
    topology: TopologyPolicy,
) -> NodeOutlook:
    """Prepare a node.

    Args:
        telemetry, topology: as of ``NodeOutlook``.
        homes: who lives in each of its domains.
        book: what is known of workloads.
        policy: what each resident tolerates.
    """
    domains = []
    for domain, home in zip(telemetry.domains, homes, strict=True):
        residents = tuple(
            Resident(
                pod=pod,
                workload=book.of(pod.key),
                tolerance=policy.tolerance_of(pod),
                required=policy.requires(pod),
                measured=pod.uid not in home.unmeasured,
            )
            for pod in home.pods
        )
        newcomer, neighbours = domain_rows(
            domain.vector, [resident.workload for resident in residents], worst_pressures=book.worst_pressures
        )
        domains.append(
            DomainOutlook(
                name=domain.name,
                regime=domain.regime,
                pressed=domain.pressed,
                residents=residents,
                newcomer=newcomer,
                neighbours=neighbours,
            )
        )
    return NodeOutlook(telemetry=telemetry, topology=topology, domains=tuple(domains))


def domain_rows(
    before: FloatArray, residents: Sequence[KnownWorkload], *, worst_pressures: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Rows of a domain before anybody comes.

    Without one of several, the highest two of the others are among the highest three of all.

    Args:
        before: float32 ``(len(schema),)``, the domain's vector.
        residents: who lives there.
        worst_pressures: stands in for unknown pressures, see ``serving.interference_row.interference_row``.

    Returns:
        float32 ``(columns,)``, the row of one more with its own columns NaN; and ``(len(residents), columns)``.
    """
    count = len(residents)
    pressed = np.zeros((count + 3, len(AXES)), dtype=np.float32)
    rows = np.empty((count + 1, len(INTERFERENCE_COLUMNS)), dtype=np.float32)
    rows[:, _DOMAIN] = before
    for index, workload in enumerate(residents):
        rows[index, _PRESSURE] = workload.pressures
        rows[index, _SENSITIVITY] = workload.sensitivities
        pressed[index] = filled(workload.pressures, worst_pressures)
    third, second, first = np.sort(pressed, axis=0)[-3:]
    own = pressed[:count]
    is_first = own == first
    rows[:count, _HIGHEST] = np.where(is_first, second, first)
    rows[:count, _SECOND] = np.where(is_first | (own == second), third, second)
    rows[:count, _COUNT] = count - 1
    rows[count, _PRESSURE] = rows[count, _SENSITIVITY] = np.nan
    rows[count, _HIGHEST], rows[count, _SECOND], rows[count, _COUNT] = first, second, count
    return rows[count], rows[:count]


def join(neighbours: FloatArray, pressures: FloatArray) -> None:
    """Let one more workload come beside the victims of some rows, in place.

    Args:
        neighbours: float32 ``(n, columns)``.
        pressures: float32 ``(len(AXES),)``, the newcomer's, none missing.
    """
    highest, second = neighbours[:, _HIGHEST], neighbours[:, _SECOND]
    neighbours[:, _SECOND] = np.maximum(second, np.minimum(highest, pressures))
    neighbours[:, _HIGHEST] = np.maximum(highest, pressures)
    neighbours[:, _COUNT] += 1


def filled(pressures: FloatArray, worst_pressures: FloatArray) -> FloatArray:
    """Pressures with the worst known one where a profile lacks its own."""
    return np.where(np.isnan(pressures), worst_pressures, pressures)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction:
    """Every party's bound on some nodes: first the newcomer's rows, then the residents'.

    Attributes:
        bounds: of all rows.
        node: intp ``(rows,)``, which of the nodes asked about a row is of.
        domains: of each of the newcomer's rows.
        residents: of each of the other rows.
        resident_domains: the same rows' domains.
    """

    bounds: Bounds
    node: NDArray[np.intp]
    domains: tuple[DomainOutlook, ...]
    residents: tuple[Resident, ...]
    resident_domains: tuple[DomainOutlook, ...]


def predict(
    nodes: Iterable[NodeOutlook], *, newcomer: KnownWorkload, exclusive_cpus: int, model: BoundModel, book: ProfileBook
) -> Prediction:
    """Bound every party's slowdown on several nodes, in one call of the model; of a node without room, nobody's.

    Args:
        nodes: at least one.
        newcomer: what is known of the workload that comes.
        exclusive_cpus: whole CPUs that it wants for itself.
        model: the champion's.
        book: where the residents' profiles are from.
    """
    candidates = [(index, domain) for index, node in enumerate(nodes) for domain in node.candidates(exclusive_cpus)]
    domains = tuple(domain for _, domain in candidates)
    residents = tuple(resident for domain in domains for resident in domain.residents)
    first_resident = len(domains)
    rows = np.concatenate(
        [_NO_ROWS, *(domain.newcomer[np.newaxis] for domain in domains), *(domain.neighbours for domain in domains)]
    )
    rows[:first_resident, _PRESSURE] = newcomer.pressures
    rows[:first_resident, _SENSITIVITY] = newcomer.sensitivities
    join(rows[first_resident:], filled(newcomer.pressures, book.worst_pressures))
    victims = [newcomer] * first_resident + [resident.workload for resident in residents]
    newcomer_nodes = [index for index, _ in candidates]
    return Prediction(
        bounds=model.predict_known(rows, victims),
        node=np.array(
            newcomer_nodes + [index for index, domain in candidates for _ in domain.residents], dtype=np.intp
        ),
        domains=domains,
        residents=residents,
        resident_domains=tuple(domain for domain in domains for _ in domain.residents),
    )
