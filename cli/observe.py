"""``leeward observe``: let what happened to workloads move their own bounds, at once and without training."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.complaint import complaining_of
from cli.state import DEFAULT, StateError, StateOption, prepared

if TYPE_CHECKING:
    from pipelines.dataset import TraceDataset
    from pipelines.observations import Observations
    from serving.bound_model import BoundModel
    from serving.bundle_directory import Bundle
    from serving.observed_workload import ObservedWorkload

_KEY_SHOWN = 28


def observe(
    *,
    traces: Annotated[
        Path | None,
        typer.Option(
            "--traces", help="Labelled traces; those of the state directory unless said.", file_okay=False, exists=True
        ),
    ] = None,
    forget: Annotated[
        bool, typer.Option("--forget", help="Let go of windows that counted and are not in these traces.")
    ] = False,
    state: StateOption = DEFAULT,
) -> None:
    """Score labelled windows against the champion; the extender bounds these workloads by them from now on."""
    from contracts.errors import ContractError
    from pipelines.dataset import dataset_directory, read_dataset
    from pipelines.errors import DataError
    from pipelines.observations import forgotten, known_observations, observations, write_observations
    from serving.champion import load_champion
    from serving.errors import BundleError

    with complaining_of(StateError, ContractError, DataError, BundleError):
        place = prepared(state)
        bundle = load_champion(place)
        if bundle is None:
            raise DataError("no champion serves, so there is nothing to score windows against: train and promote one")
        dataset = read_dataset(traces or dataset_directory(place))
        before, found = known_observations(place, bundle.digest), observations(bundle, dataset)
        lost = forgotten(before, found)
        if lost and not forget:
            raise DataError(
                f"of {', '.join(lost)} more windows counted than these traces hold: name a directory that holds all "
                "(--traces), or let them go (--forget)"
            )
        _publish_unknown_profiles(place, bundle, dataset, found)
        write_observations(place, found)
    for line in _lines(bundle, before, found):
        typer.echo(line)


def _publish_unknown_profiles(state: Path, bundle: "Bundle", dataset: "TraceDataset", found: "Observations") -> None:
    """A workload that is in traces alone is not known to an extender yet, which would take it for the worst of all."""
    from serving.published_profile import is_published, publish_profile

    known = {profile.key for profile in bundle.profiles}
    latest = {
        trace.victim.key: dataset.profiles_by_digest[trace.victim.profile]
        for trace in sorted(dataset.traces, key=lambda trace: trace.window_start_ns)
    }
    for observed in found.workloads:
        if observed.key not in known and not is_published(state, observed.key):
            publish_profile(state, latest[observed.key])


def _lines(bundle: "Bundle", before: "Sequence[ObservedWorkload]", found: "Observations") -> Iterator[str]:
    from serving.bound_model import BoundModel

    model = BoundModel(bundle)
    earlier = {observed.key: observed for observed in before}
    yield f"against champion {bundle.manifest.version} ({bundle.digest})"
    if found.workloads:
        yield f"{'workload':<{_KEY_SHOWN}} {'known by':<9} {'windows':>12}  margin"
    for observed in found.workloads:
        population = model.calibration(observed.tier).log_margin
        now, former = _own_margin(model, observed), earlier.get(observed.key)
        was = population if former is None else _own_margin(model, former)
        windows = f"{0 if former is None else len(former.scores)} -> {len(observed.scores)}"
        yield (
            f"{observed.key:<{_KEY_SHOWN}} {observed.tier.value:<9} {windows:>12}  "
            f"{_factor(was)} -> {_factor(now)}, {_meaning(population, now)}"
        )
    for reason, count in sorted(found.left_out.items()):
        yield f"{count} windows do not count: {reason}"
    if found.workloads:
        yield "The extender of this state directory bounds these workloads by their own margins at once."
        yield "Observe again after a promotion: the next champion predicts otherwise."
    else:
        yield "No workload has a bound of its own: the population's margin bounds all."


def _own_margin(model: "BoundModel", observed: "ObservedWorkload") -> float:
    return model.own_margin(observed.tier, observed.own_scores).log_margin


def _factor(log_margin: float) -> str:
    return "the ceiling" if math.isinf(log_margin) else f"x{math.exp(log_margin):.3f}"


def _meaning(population: float, own: float) -> str:
    if own == population:
        return "the population's: too few windows yet, or none that says otherwise"
    compared = f"the population's is {_factor(population)}"
    return f"tighter, {compared}" if own < population else f"wider, {compared}: it suffers more than was predicted"
