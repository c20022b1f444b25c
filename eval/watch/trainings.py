"""From an alarm to a training, and from there to what the gate said."""

from collections.abc import Mapping
from datetime import timedelta

from eval.watch.detect import alarm_of
from eval.watch.evidence import Evidence
from eval.watch.ledger import Ledger, Told, nanoseconds
from eval.watch.models import Models, Verdict
from eval.watch.settings import WatchSettings
from eval.watch.state import Detection, Event, Phase, Run
from eval.watch.trainer import RunState, Trainer
from eval.watch.trouble import Trouble
from pipelines.errors import PipelineError
from serving.bundle_directory import Bundle
from serving.errors import BundleError


class Trainings:
    """Answers alarms.

    Args:
        evidence: what a training would read.
        models: the registry.
        trainer: who trains.
        settings: of the watch.
    """

    def __init__(self, evidence: Evidence, models: Models, trainer: Trainer, settings: WatchSettings) -> None:
        self._evidence, self._models, self._trainer, self._settings = evidence, models, trainer, settings

    def alarm(self, ledger: Ledger) -> None:
        """Raise the alarm, where a test has seen enough."""
        if ledger.state.phase is not Phase.WATCHING:
            return
        found = alarm_of(ledger.state.detection, self._settings)
        if found is not None:
            ledger.keep(
                Told(event=Event.ALARM, sentence=found.sentence, figures=found.figures),
                phase=Phase.ALARMED,
                since=ledger.now,
                alarm=found.sentence,
                waiting=-1,
            )

    def intend(self, ledger: Ledger) -> None:
        """Decide on a training, once there are enough groups with new windows.

        Raises:
            BundleError, PipelineError: registry or trainer can't be asked; nothing was decided.
        """
        state, settings = ledger.state, self._settings
        if state.phase is not Phase.ALARMED:
            return
        fresh = self._fresh_groups(ledger)
        if fresh < settings.fresh_groups:
            if fresh != state.waiting:
                sentence = (
                    f"{fresh} workload groups have {settings.fresh_windows} new windows or more, a training needs "
                    f"{settings.fresh_groups}: alarmed, waiting for groups"
                )
                ledger.keep(Told(event=Event.WAITING, sentence=sentence, figures={"groups": fresh}), waiting=fresh)
            return
        run = Run(
            name=f"watch-{ledger.now:%Y%m%dT%H%M%SZ}-{state.recorded}",
            runs_before=self._trainer.known(),
            versions_before=self._models.versions(),
            intended=ledger.now,
        )
        ledger.keep(phase=Phase.STARTING, since=ledger.now, run=run, last_training_ns=ledger.now_ns)

    def start(self, ledger: Ledger) -> None:
        """Start the training that was decided on, unless it was started before the watch was killed.

        Raises:
            PipelineError: it can't be started now.
        """
        run = ledger.state.run
        if ledger.state.phase is not Phase.STARTING or run is None:
            return
        if self._is_too_late(ledger, run):
            self._cool(ledger, Trouble.FAILED, f"training {run.name} could not be started")
            return
        handle = self._trainer.find(run.name, run.runs_before) or self._trainer.start(run.name)
        ledger.keep(
            Told(
                event=Event.STARTED,
                sentence=f"training {run.name} has begun, since {ledger.state.alarm}",
                figures={"run": run.name, "handle": handle},
            ),
            phase=Phase.TRAINING,
            since=ledger.now,
            run=run.model_copy(update={"handle": handle}),
        )

    def follow(self, ledger: Ledger) -> None:
        """Follow the training to the gate's decision; one that takes too long is ended.

        Raises:
            PipelineError, BundleError: trainer or registry can't be asked now.
        """
        run = ledger.state.run
        if ledger.state.phase is not Phase.TRAINING or run is None:
            return
        status = self._trainer.status(run.handle)
        if status.state is RunState.RUNNING:
            if self._is_too_late(ledger, run):
                self._trainer.end(run.handle)
                spent = f"{self._settings.training_seconds:g} s"
                self._cool(ledger, Trouble.HUNG, f"training {run.name} was ended: it took more than {spent}")
        elif status.state is RunState.ENDED:
            self._decided(ledger, run)
        else:
            trouble = Trouble.LOST if status.state is RunState.LOST else Trouble.FAILED
            self._cool(ledger, trouble, f"training {run.name} came to nothing: {status.said}")

    def cooled(self, ledger: Ledger) -> None:
        """Watch again, from the beginning, once it has cooled down."""
        state = ledger.state
        over = ledger.now - state.since >= timedelta(seconds=self._settings.cooling_seconds)
        if state.phase is Phase.COOLING and over:
            ledger.keep(
                Told(event=Event.COOLED, sentence="watching again"),
                phase=Phase.WATCHING,
                since=ledger.now,
                alarm="",
                run=None,
                detection=Detection(began_ns=state.closed_ns),
            )

    def _fresh_groups(self, ledger: Ledger) -> int:
        champion = ledger.state.champion
        bundle: Bundle | None = None if champion is None else self._models.bundle(champion.digest)
        made = 0 if bundle is None else nanoseconds(bundle.manifest.created)
        windows: Mapping[str, int] = self._evidence.fresh_windows(max(made, ledger.state.last_training_ns))
        return sum(count >= self._settings.fresh_windows for count in windows.values())

    def _is_too_late(self, ledger: Ledger, run: Run) -> bool:
        return ledger.now - run.intended > timedelta(seconds=self._settings.training_seconds)

    def _decided(self, ledger: Ledger, run: Run) -> None:
        new = [version for version in self._models.versions() if version not in run.versions_before]
        if not new:
            self._cool(ledger, Trouble.LOST, f"training {run.name} ended, and left no version in the registry")
            return
        verdict = self._models.verdict(max(new, key=int))
        ledger.keep(
            Told(
                event=Event.DECIDED,
                sentence=_said(verdict),
                figures={"version": verdict.version, "promoted": float(verdict.promoted)},
            ),
            phase=Phase.COOLING,
            since=ledger.now,
        )

    def _cool(self, ledger: Ledger, trouble: Trouble, sentence: str) -> None:
        counts, _ = ledger.counted({trouble: 1})
        told = Told(event=Event.ENDED, sentence=sentence, figures={"trouble": trouble.name.lower()})
        ledger.keep(told, phase=Phase.COOLING, since=ledger.now, counts=counts)


def asking_failed(ledger: Ledger, error: PipelineError | BundleError) -> None:
    """Registry or trainer could not be asked: counted, and tried again with the next look."""
    trouble = Trouble.REGISTRY if isinstance(error, BundleError) else Trouble.TRAINER
    ledger.troubled(trouble, str(error))


def _said(verdict: Verdict) -> str:
    if not verdict.asked:
        return f"version {verdict.version} was trained, and nobody asked the gate"
    if verdict.promoted:
        return f"version {verdict.version} was promoted"
    return f"version {verdict.version} was refused: {'; '.join(verdict.refusals)}"
