"""After a promotion: the new champion beside the former one, on the same outcomes, for some time.

It is sent back where both hold: its bounds failed more often than the former's would have, beyond chance; and they fail
more often than it states. The second, since a champion may be better for being tighter: who states 80 % and holds 82 %
does what it promised, though the one before had held 90 %.
"""

import numpy as np

from eval.watch.gamblers import after_bet
from eval.watch.models import Served
from eval.watch.paired import money, paired_factors, paired_value, unbet
from eval.watch.period import Period
from eval.watch.settings import WatchSettings
from eval.watch.state import Guard


def guard_of(champion: Served, former: Served, settings: WatchSettings) -> Guard:
    """A guard that begins."""
    return Guard(champion=champion, former=former, left=settings.guard_periods, wealths=unbet())


def with_guarded_period(guard: Guard, period: Period, settings: WatchSettings, *, stated: float) -> Guard:
    """A guard after a period; it has a reason where the new champion is to go back.

    Args:
        guard: before it.
        period: with paired outcomes.
        settings: of the watch.
        stated: share of windows that the new champion states its bounds hold for.
    """
    failed = guard.failed.plus((one.group, one.new_failed) for one in period.paired)
    failed_former = guard.failed_former.plus((one.group, one.former_failed) for one in period.paired)
    wealths, value = guard.wealths, paired_value(period.paired)
    if value is not None:
        wealths = tuple(after_bet(np.array(wealths), paired_factors(value)).tolist())
    after = guard.model_copy(
        update={
            "left": guard.left - 1,
            "wealths": wealths,
            "failed": failed,
            "failed_former": failed_former,
            "periods": guard.periods + bool(period.paired),
        }
    )
    enough = len(failed) >= settings.fewest_groups and money(wealths) >= 1.0 / settings.guard_level
    if not enough or failed.mean <= 1.0 - stated:
        return after
    reason = (
        f"live bounds of version {guard.champion.version} hold in {1.0 - failed.mean:.1%} of windows, stated "
        f"{stated:.0%}; those of version {guard.former.version} would have held in {1.0 - failed_former.mean:.1%} "
        f"of the same ({len(failed)} workload groups, {after.periods} periods; worse beyond chance at level "
        f"{settings.guard_level:g})"
    )
    return after.model_copy(update={"reason": reason})
