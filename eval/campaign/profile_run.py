"""Profile runs: what is learnt of one workload in a few minutes, before it meets anybody.

A workload runs alone for a few windows, then beside each stressor at a few intensities. A stressor runs alone only.
"""

from contracts.profile import Tier, WorkloadProfile
from eval.campaign.bench import Bench, Experiment
from eval.campaign.profile_measurements import ProfileMeasurements
from eval.campaign.settings import CampaignSettings
from eval.testbed.node import SimulatedNode
from eval.testbed.offer import FULL
from eval.testbed.stressor import Stressor
from eval.testbed.workload import Workload

DOMAIN = "socket0"
SUBJECT = "subject"
_PROBE = "probe"


def spare_node(*, seed: int, wall_ns: int) -> SimulatedNode:
    """The node that profile runs take place on: none of the cluster's, with every event on offer."""
    return SimulatedNode(name="spr-profile", offer=FULL, seed=seed, wall_ns=wall_ns)


def profile_run(workload: Workload, bench: Bench, settings: CampaignSettings) -> WorkloadProfile:
    """Profile a workload on an empty bench that offers SMT; the profile is of tier ``probed``.

    Args:
        workload: the subject.
        bench: a node with nobody on it; it is left so.
        settings: probes and windows.
    """
    measured = ProfileMeasurements()
    began = bench.node.now()
    bench.run([_of_workload(workload, bench, settings, measured)])
    return measured.profile(
        workload.name,
        indicator=workload.indicator,
        first_seen=began,
        last_seen=bench.node.now(),
        simulated=True,
    )


def stressor_profile(stressor: Stressor, bench: Bench, settings: CampaignSettings) -> WorkloadProfile:
    """Profile a stressor on an empty bench: its vector alone, tier ``counters``."""
    measured = ProfileMeasurements()
    began = bench.node.now()
    bench.run([_of_stressor(stressor, bench, settings, measured)])
    return measured.profile(stressor.name, indicator=None, first_seen=began, last_seen=bench.node.now(), simulated=True)


def counters_only(profile: WorkloadProfile) -> WorkloadProfile:
    """What would be known of a workload without its probes: its solo vector."""
    return profile.model_copy(update={"tier": Tier.COUNTERS, "responses": ()})


def solo_windows(bench: Bench, measured: ProfileMeasurements, *, windows: int) -> Experiment:
    """Some windows of a subject that is alone on the bench."""
    for _ in range(windows):
        yield
        measured.solo.append(bench.latest(DOMAIN))
        measured.alone.append(bench.node.indicator(SUBJECT))


def probe_windows(stressor: Stressor, bench: Bench, measured: ProfileMeasurements, *, windows: int) -> Experiment:
    """Some windows of the subject beside a stressor."""
    values = measured.probe(stressor.axis, stressor.intensity)
    bench.node.place(_PROBE, stressor, domain=DOMAIN)
    for _ in range(windows):
        yield
        values.append(bench.node.indicator(SUBJECT))
    bench.node.remove(_PROBE)


def _of_workload(
    workload: Workload, bench: Bench, settings: CampaignSettings, measured: ProfileMeasurements
) -> Experiment:
    bench.node.place(SUBJECT, workload, domain=DOMAIN)
    yield from solo_windows(bench, measured, windows=settings.probe_windows + 1)
    for axis in settings.axes:
        for intensity in settings.probe_intensities:
            stressor = Stressor(axis=axis, intensity=intensity)
            yield from probe_windows(stressor, bench, measured, windows=settings.probe_windows)
    bench.node.remove(SUBJECT)


def _of_stressor(
    stressor: Stressor, bench: Bench, settings: CampaignSettings, measured: ProfileMeasurements
) -> Experiment:
    bench.node.place(SUBJECT, stressor, domain=DOMAIN)
    for _ in range(settings.probe_windows):
        yield
        measured.solo.append(bench.latest(DOMAIN))
    bench.node.remove(SUBJECT)
