"""Where the watch stands, in lines for people."""

from collections.abc import Iterator

from eval.watch.gamblers import Gamblers, threshold
from eval.watch.paired import money
from eval.watch.settings import TESTS, WatchSettings
from eval.watch.state import WatchState


def standing_lines(state: WatchState, settings: WatchSettings) -> Iterator[str]:
    """Phase, evidence of each test over what an alarm needs, the guard, and what was odd."""
    champion = "nobody serves" if state.champion is None else f"version {state.champion.version} serves"
    yield f"{state.phase}; {champion}"
    limit = threshold(level=settings.level, horizon_days=settings.horizon_days, tests=TESTS)
    detection = state.detection
    tests: tuple[tuple[str, Gamblers], ...] = (
        ("coverage", detection.coverage),
        ("regimes", detection.regimes),
        ("vectors", detection.vectors),
    )
    for name, gamblers in tests:
        yield f"  {name:<9} {gamblers.bets:>6} bets, evidence {gamblers.evidence:.3g} of {limit:,.0f} for an alarm"
    if state.guard is not None:
        guard = state.guard
        yield (
            f"  guard     version {guard.champion.version} beside {guard.former.version}, {guard.left} periods left, "
            f"evidence {money(guard.wealths):.3g} of {1.0 / settings.guard_level:.3g} to send it back"
        )
    for name, count in sorted(state.counts.items()):
        yield f"  {count:>6} {name}"
