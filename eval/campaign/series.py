"""One workload alone, and beside one stressor at rising intensity: as a resident, and as the newcomer."""

from dataclasses import dataclass

from contracts.axis import Axis
from contracts.vector import FeatureVector
from eval.campaign.bench import Bench, Experiment
from eval.campaign.parties import participant
from eval.campaign.rows import RowWriter, Window
from eval.testbed.stressor import Stressor
from eval.testbed.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What to run.

    Attributes:
        workload: the victim.
        axis: the stressor's.
        intensities: rising.
    """

    workload: Workload
    axis: Axis
    intensities: tuple[float, ...]


def run_series(series: Series, bench: Bench, *, domain: str, writer: RowWriter) -> Experiment:
    """Run one series on an empty domain; it is left empty.

    The row of the workload alone holds both of its indicators alone: the reference, and the next window's beside it.

    Args:
        series: what to run.
        bench, domain: where.
        writer: takes the rows: one of the workload alone, two at each intensity.
    """
    node = bench.node
    victim, stressor = f"{series.workload.name}@{domain}", f"stressor@{domain}"
    yield
    empty = bench.latest(domain)
    node.place(victim, series.workload, domain=domain)
    yield
    reference = node.indicator(victim)
    yield

    def write(*, before: FeatureVector, latest: str) -> None:
        writer.write(
            Window(
                before=before,
                during=bench.latest(domain),
                participants={uid: participant(occupant) for uid, occupant in node.occupants(domain).items()},
                latest=latest,
                alone={victim: reference},
                together={victim: node.indicator(victim)},
            )
        )

    write(before=empty, latest=victim)
    for intensity in series.intensities:
        yield
        solo = bench.latest(domain)
        node.place(stressor, Stressor(axis=series.axis, intensity=intensity), domain=domain)
        yield
        write(before=solo, latest=stressor)
        node.remove(victim)
        yield
        without_victim = bench.latest(domain)
        node.place(victim, series.workload, domain=domain)
        yield
        write(before=without_victim, latest=victim)
        node.remove(stressor)
    node.remove(victim)
