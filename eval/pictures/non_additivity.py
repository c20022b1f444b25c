"""What two aggressors do together, against the sum, the product and the maximum of what each does."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from contracts.slowdown import SLOWDOWN_CEILING
from eval.pictures.nodes import slowdown
from eval.pictures.style import BLUE, INK, MUTED, VERMILLION, label, panel, sheet
from eval.testbed.catalogue import workload
from eval.testbed.hardware import CORES_PER_SOCKET
from eval.testbed.node import Occupant
from eval.testbed.stressor import PRESSED_AXES, Stressor

_VICTIM = "udr"
_STRESSED = (0.5, 1.0)
_RESIDENTS = ("batch", "cdn-cache", "router", "upf-large", "transcoder")
_FELT = 0.05
"""Pairs that do less are left out: their quotients say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two aggressors of one victim; each figure is an excess slowdown, 0 where the victim runs as alone.

    Attributes:
        names: of the two.
        single: what each does by itself.
        joint: what they do together.
    """

    names: tuple[str, str]
    single: tuple[float, float]
    joint: float


def _sum(pair: Pair) -> float:
    return sum(pair.single)


def _product(pair: Pair) -> float:
    return (1.0 + pair.single[0]) * (1.0 + pair.single[1]) - 1.0


def _maximum(pair: Pair) -> float:
    return max(pair.single)


RULES: Mapping[str, Callable[[Pair], float]] = {"sum": _sum, "product": _product, "maximum": _maximum}
"""What would be expected of two aggressors by the rule of that name, as an excess slowdown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NonAdditivity:
    """All pairs that the victim feels and survives."""

    victim: str
    pairs: tuple[Pair, ...]

    @property
    def most_above(self) -> Pair:
        """The pair that does most in proportion to its sum."""
        return max(self.pairs, key=_over_sum)

    @property
    def most_below(self) -> Pair:
        """The pair that does least in proportion to its sum."""
        return min(self.pairs, key=_over_sum)


def _over_sum(pair: Pair) -> float:
    return pair.joint / _sum(pair)


def non_additivity() -> NonAdditivity:
    """A database beside every two of the stressors, at half and at full intensity, and of five other workloads."""
    return NonAdditivity(victim=_VICTIM, pairs=tuple(_pairs()))


def _pairs() -> Iterator[Pair]:
    victim = workload(_VICTIM)
    aggressors: Sequence[Occupant] = (
        *(Stressor(axis=axis, intensity=intensity) for axis in PRESSED_AXES for intensity in _STRESSED),
        *(workload(name) for name in _RESIDENTS),
    )
    single = {aggressor: slowdown(victim, aggressor) - 1.0 for aggressor in aggressors}
    for first, second in combinations(aggressors, 2):
        if not _go_together(victim, first, second):
            continue
        pair = Pair(
            names=(_called(first), _called(second)),
            single=(single[first], single[second]),
            joint=slowdown(victim, first, second) - 1.0,
        )
        if _sum(pair) >= _FELT and pair.joint + 1.0 < SLOWDOWN_CEILING:
            yield pair


def _go_together(victim: Occupant, first: Occupant, second: Occupant) -> bool:
    """Whether there is room for both, and they are not one stressor at two intensities."""
    if isinstance(first, Stressor) and isinstance(second, Stressor) and first.axis is second.axis:
        return False
    cores = [occupant.exclusive_cores for occupant in (victim, first, second)]
    return sum(cores) <= CORES_PER_SOCKET and cores.count(0) <= 1


def _called(aggressor: Occupant) -> str:
    """Its name, short enough for a label."""
    if isinstance(aggressor, Stressor):
        return f"{aggressor.axis} at {aggressor.intensity:.0%}"
    return aggressor.name


def draw_non_additivity(data: NonAdditivity) -> Figure:
    """One panel a rule; on the diagonal the rule would be right."""
    figure, panels = sheet(
        "No rule over single effects tells the joint one",
        f"{data.victim} beside {len(data.pairs)} pairs of aggressors. Excess slowdown is slowdown less 1.",
        columns=len(RULES),
        height=3.7,
    )
    for axes, (name, rule) in zip(panels, RULES.items(), strict=True):
        _draw_rule(axes, data, name, rule)
    return figure


def _draw_rule(axes: Axes, data: NonAdditivity, name: str, rule: Callable[[Pair], float]) -> None:
    above = sum(pair.joint > rule(pair) for pair in data.pairs)
    panel(
        axes,
        title=f"{name}: {above} above, {len(data.pairs) - above} below",
        x=f"{name} of single excesses",
        y="joint excess",
    )
    lowest = 0.8 * min(min(pair.joint, _maximum(pair)) for pair in data.pairs)
    highest = 2.0 * max(pair.joint for pair in data.pairs)
    axes.set(xscale="log", yscale="log", xlim=(lowest, highest), ylim=(lowest, highest))
    axes.set_aspect("equal")
    ticks = [tick for tick in (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0) if lowest <= tick <= highest]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.plot([lowest, highest], [lowest, highest], color=MUTED, linewidth=0.8)
    for pair in data.pairs:
        colour = VERMILLION if pair.joint > rule(pair) else BLUE
        axes.plot(rule(pair), pair.joint, "o", color=colour, alpha=0.55, markeredgewidth=0.0)
    for pair, by in ((data.most_above, (0.0, 17.0)), (data.most_below, (7.0, -7.0))):
        axes.plot(rule(pair), pair.joint, "o", color=INK, markerfacecolor="none", markersize=7.0)
        label(axes, "\n+ ".join(pair.names), at=(rule(pair), pair.joint), colour=INK, by=by)
