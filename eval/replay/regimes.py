"""What each model version says of the recorded vectors, beside the regimes that agents published."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from contracts.axis import AXES
from contracts.nodestate import NodeState
from contracts.regime import Regime, judge
from contracts.vector import FloatArray
from eval.replay.judge import ReplayedModel
from eval.replay.report import PairFigures, RegimeFigures
from scheduler_extender.telemetry import telemetry_of
from serving.regime_model import RegimeModel

_AT_ONCE = 1024


class RegimeTally:
    """Judges vectors many at a time.

    Args:
        models: each is asked about every vector.

    Raises:
        BundleError: a regime graph can't be used.
    """

    def __init__(self, models: Sequence[ReplayedModel]) -> None:
        self._names = [model.name for model in models]
        self._models = [RegimeModel(model.bundle) for model in models]
        self._waiting: list[tuple[FloatArray, bool, Regime]] = []
        self._seen: dict[tuple[str, str], float] = {}
        self._windows = 0
        self._published_unknown = 0
        self._agreed: Counter[str] = Counter()
        self._unknown: Counter[str] = Counter()
        self._together: Counter[tuple[str, str]] = Counter()

    def saw(self, state: NodeState) -> None:
        """Take a NodeState's windows in, each once."""
        telemetry = telemetry_of(state)
        for domain in () if telemetry is None else telemetry.domains:
            place, end = (state.metadata.name, domain.name), domain.window_end.timestamp()
            if telemetry is None or self._seen.get(place) == end:
                continue
            self._seen[place] = end
            self._waiting.append((domain.vector, telemetry.characterised, domain.regime))
        if len(self._waiting) >= _AT_ONCE:
            self._judge()

    def figures(self) -> tuple[RegimeFigures, ...]:
        """Of each model; none where no window was recorded."""
        self._judge()
        if not self._windows:
            return ()
        return tuple(
            RegimeFigures(
                model=name,
                windows=self._windows,
                as_published=self._agreed[name] / self._windows,
                unknown=self._unknown[name] / self._windows,
                published_unknown=self._published_unknown / self._windows,
            )
            for name in self._names
        )

    def pairs(self) -> tuple[PairFigures, ...]:
        """Of each two models."""
        self._judge()
        if not self._windows:
            return ()
        return tuple(
            PairFigures(first=first, second=second, agreed=self._together[first, second] / self._windows)
            for first, second in combinations(self._names, 2)
        )

    def _judge(self) -> None:
        if not self._waiting:
            return
        vectors = np.stack([vector for vector, _, _ in self._waiting])
        said = {name: self._regimes(model, vectors) for name, model in zip(self._names, self._models, strict=True)}
        published = [regime for _, _, regime in self._waiting]
        self._windows += len(published)
        self._published_unknown += published.count(Regime.UNKNOWN)
        for name, regimes in said.items():
            self._agreed[name] += sum(map(Regime.__eq__, regimes, published))
            self._unknown[name] += regimes.count(Regime.UNKNOWN)
        for first, second in combinations(self._names, 2):
            self._together[first, second] += sum(map(Regime.__eq__, said[first], said[second]))
        self._waiting.clear()

    def _regimes(self, model: RegimeModel, vectors: FloatArray) -> list[Regime]:
        """By the contract's rule, as an agent without hysteresis would."""
        probabilities = model.probabilities_of(vectors)
        present = np.count_nonzero(~np.isnan(vectors), axis=1).tolist()
        return [
            judge(
                {axis: float(probabilities[axis][row]) for axis in AXES if axis in probabilities},
                present_features=present[row],
                characterised=characterised,
                thresholds=model.thresholds,
            ).regime
            for row, (_, characterised, _) in enumerate(self._waiting)
        ]
