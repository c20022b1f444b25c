"""Who serves: noticed where it changes, guarded where it is new, and sent back where the guard says so."""

from eval.watch.errors import WatchError
from eval.watch.guard import guard_of
from eval.watch.ledger import Ledger, Told
from eval.watch.models import Models, Served
from eval.watch.settings import WatchSettings
from eval.watch.state import Detection, Event, Phase, WatchState
from eval.watch.trouble import Trouble
from pipelines.errors import PipelineError
from serving.errors import BundleError

_REMEMBERED = 50


def follow_champion(ledger: Ledger, models: Models, settings: WatchSettings) -> None:
    """Notice another champion: the tests begin anew, and a guard begins unless it served before.

    A champion that served before, or was sent back, is there by somebody's decision, and stays.
    """
    try:
        served = models.champion()
    except BundleError as error:
        ledger.troubled(Trouble.REGISTRY, str(error))
        return
    state = ledger.state
    if served is None or served == state.champion:
        return
    told = [Told(event=Event.CHAMPION, sentence=f"version {served.version} serves", figures={"digest": served.digest})]
    guard = None
    if state.champion is not None and served.digest not in (*state.former, *state.sent_back):
        guard = guard_of(served, state.champion, settings)
        told.append(
            Told(
                event=Event.GUARD,
                sentence=(
                    f"version {served.version} is compared with {state.champion.version} for {guard.left} periods"
                ),
            )
        )
    ledger.keep(
        *told,
        champion=served,
        guard=guard,
        former=_former(state),
        detection=Detection(began_ns=state.closed_ns),
        phase=Phase.WATCHING if state.phase is Phase.ALARMED else state.phase,
    )


def send_back(ledger: Ledger, models: Models) -> None:
    """Send the new champion back, where its guard has said so; done once, however often the watch is killed in it."""
    state = ledger.state
    guard = state.guard
    if guard is None or not guard.reason:
        return
    try:
        models.go_back(left=guard.champion, to=guard.former, reason=guard.reason)
    except WatchError as error:
        ledger.keep(Told(event=Event.GUARDED, sentence=str(error)), guard=None)
        return
    except (BundleError, PipelineError) as error:
        ledger.troubled(Trouble.REGISTRY, str(error))
        return
    busy = state.phase in (Phase.STARTING, Phase.TRAINING)
    ledger.keep(
        Told(
            event=Event.SENT_BACK,
            sentence=f"version {guard.former.version} serves again: {guard.reason}",
            figures={"left": guard.champion.digest, "champion": guard.former.digest},
        ),
        guard=None,
        champion=Served(version=guard.former.version, digest=guard.former.digest),
        former=_former(state),
        sent_back=(*state.sent_back, guard.champion.digest)[-_REMEMBERED:],
        detection=Detection(began_ns=state.closed_ns),
        **({} if busy else {"phase": Phase.COOLING, "since": ledger.now}),
    )


def _former(state: WatchState) -> tuple[str, ...]:
    known = [digest for digest in state.former if state.champion is None or digest != state.champion.digest]
    return (*known, *([state.champion.digest] if state.champion else []))[-_REMEMBERED:]
