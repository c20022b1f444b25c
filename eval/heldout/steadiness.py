"""Whether a regime stays what it is when only the clock turns or events are missing, and what the clock gives away."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.hysteresis import Hysteresis
from contracts.axis import Axis
from contracts.regime import Regime, Threshold, judge
from contracts.vector import FloatArray
from eval.figure import Figure
from eval.heldout.report import ClockFigures, SteadinessFigures
from eval.heldout.scenes import Scene, draw_scenes, seen
from eval.testbed.offer import (
    FULL,
    ISOLATED_CORES,
    METAL_WITHOUT_UNCORE,
    VIRTUAL_MACHINE,
    WITHOUT_METRICS,
    WITHOUT_RESCTRL,
    EventOffer,
)
from pipelines.bootstrap import Resampling, over_groups
from serving.regime_model import RegimeModel

SCENES_A_GROUP = 4
CLOCKS_A_SCENE = 6
LOWEST_CLOCK, HIGHEST_CLOCK = 0.8, 1.25

_TREES = {"max_depth": 4, "eta": 0.15, "subsample": 0.8, "colsample_bytree": 0.5, "nthread": 1, "verbosity": 0}
_ROUNDS = 60

ModelWithout = Callable[[str], RegimeModel | None]
"""A workload group to a regime model that has not seen it, if there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    name: str
    clock: float = 1.0
    offer: EventOffer = FULL


_CHANGES = (
    _Change(name="another window"),
    _Change(name=f"clock x {LOWEST_CLOCK}", clock=LOWEST_CLOCK),
    _Change(name=f"clock x {HIGHEST_CLOCK}", clock=HIGHEST_CLOCK),
    _Change(name="no resctrl", offer=WITHOUT_RESCTRL),
    _Change(name="no top-down metrics", offer=WITHOUT_METRICS),
    _Change(name="no uncore", offer=METAL_WITHOUT_UNCORE),
    _Change(name="no core events", offer=ISOLATED_CORES),
    _Change(name="virtual machine", offer=VIRTUAL_MACHINE),
)


def steadiness(groups: Sequence[str], model_without: ModelWithout, how: Resampling) -> tuple[SteadinessFigures, ...]:
    """How often a regime turns into another when nothing turns that it is about.

    Every change is set against one window on a node with all events at the nominal clock; ``another window`` changes
    nothing but the noise, and is what the others are to be compared with.

    Args:
        groups: held out in turn.
        model_without: who judges.
        how: bootstrap over groups.

    Returns:
        One a change; none where the testbed knows none of the groups.
    """
    models = {group: model for group in groups if (model := model_without(group)) is not None}
    scenes = draw_scenes(tuple(models), each=SCENES_A_GROUP, rng=np.random.default_rng(how.seed))
    if not scenes:
        return ()
    seeds = np.random.SeedSequence(how.seed).generate_state(len(scenes) * (1 + len(_CHANGES))).tolist()
    reference = [_looked_at(scene, seeds.pop(), models, _Change(name="")) for scene in scenes]
    before = [look.regime() for look in reference]
    found = []
    for change in _CHANGES:
        changed = [_looked_at(scene, seeds.pop(), models, change) for scene in scenes]
        after = [look.regime() for look in changed]
        published = [_published(*looks) for looks in zip(reference, changed, strict=True)]
        found.append(
            SteadinessFigures(
                change=change.name,
                contradicted=_share(scenes, map(_contradict, before, after), how),
                published=_share(scenes, map(_contradict, before, published), how),
                unknown=_share(scenes, (regime is Regime.UNKNOWN for regime in after), how),
            )
        )
    return tuple(found)


def clock_given_away(groups: Sequence[str], how: Resampling) -> ClockFigures | None:
    """How much of the core clock a model reads out of the whole vector, on workloads that it has not seen.

    Trees are fitted to the clock with each group left out in turn. No feature encodes the clock by itself, but two
    together may. ``None`` where the testbed knows fewer than two of the groups.
    """
    rng = np.random.default_rng(how.seed)
    scenes = draw_scenes(groups, each=SCENES_A_GROUP, rng=rng)
    if len({scene.group for scene in scenes}) < 2:
        return None
    clocks = rng.uniform(LOWEST_CLOCK, HIGHEST_CLOCK, size=(len(scenes), CLOCKS_A_SCENE))
    seeds = rng.integers(2**31, size=clocks.shape)
    vectors = np.stack(
        [
            seen(scene, seed=int(seed), clock=float(clock))
            for scene, own_clocks, own_seeds in zip(scenes, clocks, seeds, strict=True)
            for clock, seed in zip(own_clocks, own_seeds, strict=True)
        ]
    )
    of = np.repeat([scene.group for scene in scenes], CLOCKS_A_SCENE)
    guessed = guessed_without_group(vectors, clocks.ravel(), of)
    return ClockFigures(variance_explained=explained(clocks.ravel(), guessed, of, how), windows=len(vectors))


def guessed_without_group(
    vectors: FloatArray, truth: NDArray[np.float64], groups: NDArray[np.str_]
) -> NDArray[np.float64]:
    """Each row's guess by trees that were fitted on the other groups' rows.

    Args:
        vectors: float32 ``(n, features)``.
        truth: float64 ``(n,)``.
        groups: ``(n,)``, two different ones at least.
    """
    import xgboost  # noqa: PLC0415

    guessed = np.empty(len(truth))
    for group in np.unique(groups):
        own = groups == group
        matrix = xgboost.QuantileDMatrix(vectors[~own], truth[~own], nthread=1)
        guessed[own] = xgboost.train(_TREES, matrix, _ROUNDS).inplace_predict(vectors[own])
    return guessed


def explained(
    truth: NDArray[np.float64], guessed: NDArray[np.float64], groups: NDArray[np.str_], how: Resampling
) -> Figure:
    """1 less the squared error over the variance: 1 is all, 0 what the mean alone gives, below 0 worse than that."""
    names = np.unique(groups)
    errors = np.array([((truth - guessed)[groups == name] ** 2).sum() for name in names])
    spread = np.array([((truth - truth.mean())[groups == name] ** 2).sum() for name in names])
    interval = over_groups(lambda drawn: float(1.0 - errors[drawn].sum() / spread[drawn].sum()), len(names), how)
    return Figure.of(interval, units=len(names))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One window as a model sees it."""

    probabilities: Mapping[Axis, float]
    present: int
    thresholds: Mapping[Axis, Threshold]

    def regime(self, probabilities: Mapping[Axis, float] | None = None) -> Regime:
        """What the contract's rule makes of its own probabilities, or of others in their place."""
        return judge(
            self.probabilities if probabilities is None else probabilities,
            present_features=self.present,
            characterised=True,
            thresholds=self.thresholds,
        ).regime


def _looked_at(scene: Scene, seed: int, models: Mapping[str, RegimeModel], change: _Change) -> _Look:
    model = models[scene.group]
    values = seen(scene, seed=seed, clock=change.clock, offer=change.offer)
    return _Look(
        probabilities=model.probabilities(values),
        present=int(np.count_nonzero(~np.isnan(values))),
        thresholds=model.thresholds,
    )


def _published(before: _Look, after: _Look) -> Regime:
    """The regime that an agent publishes of a window that follows another."""
    hysteresis = Hysteresis()
    for look in (before, after):
        settled = hysteresis.settled("", look.probabilities, look.thresholds)
    return after.regime(settled)


def _contradict(reference: Regime, changed: Regime) -> bool:
    """Both say what it is, and not the same; unknown is no answer and contradicts nobody."""
    return Regime.UNKNOWN not in {reference, changed} and reference is not changed


def _share(scenes: Sequence[Scene], happened: Iterator[bool], how: Resampling) -> Figure:
    """Mean over groups."""
    groups = np.array([scene.group for scene in scenes])
    did = np.array(list(happened), dtype=np.float64)
    by_group = np.array([did[groups == name].mean() for name in np.unique(groups)])
    return Figure.of(over_groups(lambda drawn: float(by_group[drawn].mean()), len(by_group), how), units=len(by_group))
