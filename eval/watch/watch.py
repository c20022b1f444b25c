"""The watch: looks at what happened, raises the alarm, has a challenger trained, and follows it to its end.

    watching -> alarmed, waiting for groups -> starting a training -> training -> cooling down -> watching

Beside it goes the guard of a new champion. Each step ends with the state on disk. What is done to the world outside is
decided on disk first, and where the watch was killed in between it finds out whether it was done: a training by its
name, a champion that is sent back by who serves. So an alarm starts one training, and a champion is sent back once.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from contracts.errors import ContractError
from eval.watch.champions import follow_champion, send_back
from eval.watch.evidence import Evidence
from eval.watch.ledger import Ledger, Told, nanoseconds
from eval.watch.models import Models
from eval.watch.periods import Periods
from eval.watch.prediction import NothingRecorded, Predictions
from eval.watch.settings import WatchSettings
from eval.watch.state import Detection, Event, Kept, Record, WatchState
from eval.watch.trainer import Trainer
from eval.watch.trainings import Trainings, asking_failed
from eval.watch.trouble import Trouble
from feature_repo.errors import FeatureRepositoryError
from pipelines.errors import DataError, PipelineError
from serving.errors import BundleError


def system_clock() -> datetime:
    """UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything outside that the watch asks or moves.

    Attributes:
        evidence: what happened.
        predictions: what was predicted.
        models: the registry.
        trainer: who trains.
        clock: UTC.
    """

    evidence: Evidence
    models: Models
    trainer: Trainer
    predictions: Predictions = field(default_factory=NothingRecorded)
    clock: Callable[[], datetime] = system_clock


class Watch:
    """One watch of one state directory.

    Args:
        kept: its files.
        ports: the world outside.
        settings: levels and times.
        since: from when on periods are looked at, where the watch is new; from now on unless said.

    Raises:
        WatchError: what is kept can't be read.
    """

    def __init__(self, kept: Kept, ports: Ports, settings: WatchSettings, *, since: datetime | None = None) -> None:
        self._ports = ports
        self._periods = Periods(ports.evidence, ports.predictions, ports.models, settings)
        self._trainings = Trainings(ports.evidence, ports.models, ports.trainer, settings)
        self._settings = settings
        known = kept.read()
        self._ledger = Ledger(kept, known or self._first(since), clock=ports.clock)
        if known is None:
            self._ledger.keep(Told(event=Event.BEGAN, sentence="the watch begins"))

    @property
    def state(self) -> WatchState:
        """Where it stands."""
        return self._ledger.state

    def look(self) -> tuple[Record, ...]:
        """Look once: do all that can be done now, and return what happened.

        Whatever can't be read, asked or reached is counted, and tried again with the next look.

        Raises:
            OSError: the watch's own files can't be written.
        """
        ledger, trainings = self._ledger, self._trainings
        send_back(ledger, self._ports.models)
        follow_champion(ledger, self._ports.models, self._settings)
        for step in (trainings.start, trainings.follow):
            self._tried(step)
        follow_champion(ledger, self._ports.models, self._settings)
        with self._reading():
            self._periods.close(ledger)
        send_back(ledger, self._ports.models)
        trainings.alarm(ledger)
        for step in (trainings.intend, trainings.start, trainings.cooled):
            self._tried(step)
        news, ledger.news = tuple(ledger.news), []
        return news

    def every(self, seconds: float, *, told: Callable[[Record], None]) -> None:
        """Look again and again, until the process is ended."""
        while True:
            for record in self.look():
                told(record)
            time.sleep(seconds)

    def _first(self, since: datetime | None) -> WatchState:
        now = self._ports.clock()
        period = round(self._settings.period_seconds * 1e9)
        began = nanoseconds(since or now) // period * period
        return WatchState(began_ns=began, closed_ns=began, since=now, detection=Detection(began_ns=began))

    def _tried(self, step: Callable[[Ledger], None]) -> None:
        try:
            with self._reading():
                step(self._ledger)
        except PipelineError as error:
            asking_failed(self._ledger, error)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (ContractError, FeatureRepositoryError, DataError) as error:
            self._ledger.troubled(Trouble.UNREADABLE, str(error))
        except BundleError as error:
            asking_failed(self._ledger, error)
