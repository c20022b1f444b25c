"""A champion that has never seen some workload groups, in a state directory of its own."""

from datetime import UTC, datetime
from pathlib import Path

from contracts.profile import WorkloadProfile
from eval.testbed.catalogue import WORKLOADS
from pipelines.cross_fitting import cross_fit
from pipelines.dataset import TraceDataset
from pipelines.draft import MODEL_NAME, draft_of
from pipelines.settings import TrainingSettings
from pipelines.training_data import training_data
from serving.champion import install_champion
from serving.published_profile import publish_profile


def without_groups(dataset: TraceDataset, groups: frozenset[str]) -> TraceDataset:
    """The rows that none of the groups has a party in, and the profiles that these name.

    Raises:
        ContractError: no row is left.
    """
    traces = tuple(trace for trace in dataset.traces if groups.isdisjoint(trace.groups))
    named = {party.profile for trace in traces for party in (trace.victim, *trace.co_runners)}
    kept = tuple(profile for digest, profile in dataset.profiles_by_digest.items() if digest in named)
    return TraceDataset(traces=traces, profiles=kept)


def profiles_of(dataset: TraceDataset, groups: frozenset[str]) -> tuple[WorkloadProfile, ...]:
    """The profiles of some groups' workloads, from their profile runs: nothing in them is of co-location."""
    names = {workload.name for workload in WORKLOADS if workload.group in groups}
    return tuple(profile for profile in dataset.profiles if profile.key in names)


def prepare_state(state: Path, dataset: TraceDataset, groups: frozenset[str], *, settings: TrainingSettings) -> None:
    """Train without some groups, let the result serve, and lay the groups' profiles beside it.

    Args:
        state: an empty directory.
        dataset: all traces.
        groups: to leave out of everything that is fitted.
        settings: of the training.

    Raises:
        DataError: too few groups are left to calibrate the rate over.
    """
    data = training_data(without_groups(dataset, groups), settings)
    draft = draft_of(
        data,
        cross_fit(data, settings),
        frozenset(),
        settings=settings,
        created=datetime.now(UTC),
        data_digest=data.dataset.digest,
    )
    digest = draft.write(state / "trained")
    install_champion(state, state / "trained", model=MODEL_NAME, version="unseen", digest=digest)
    for profile in profiles_of(dataset, groups):
        publish_profile(state, profile)
