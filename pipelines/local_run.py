"""The compiled pipelines run on this machine by ``kfp.local``, quietly.

<state>/pipeline/leeward-training.yaml   the compiled pipeline, which is what runs; likewise of the others
<state>/pipeline/root/<pipeline>-<time>/ what the components of that pipeline's last run handed on
<state>/pipeline/local.log               all that the last run said
"""

import contextlib
import fcntl
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from pipelines.dataset import dataset_directory
from pipelines.engine import LOCAL, Engine
from pipelines.errors import PipelineError
from pipelines.figures import HeldOutFigures
from pipelines.gate import GateDecision
from pipelines.kfp_local import TRAIN_TOGETHER, Answer, Request
from pipelines.registry import RegistryPlace, local_registry
from pipelines.report import Outcome, TrainingReport
from pipelines.settings import TrainingSettings

Progress = Callable[[str, float], None]
"""Takes what is being done, and how much of the training is done, 0 to 1."""

STEPS = ("extract", "validate", "train", "register", "promote")
_DOING = {
    "extract": "joining traces with the feature store",
    "validate": "holding traces to the expectations",
    "train": "training, with whole workloads held out",
    "register": "registering in MLflow",
    "promote": "asking the gate",
}
_DONE_BEFORE = {"extract": 0.05, "validate": 0.2, "train": 0.4, "register": 0.7, "promote": 0.85}
"""Share of the time of a run that has passed when a step begins."""

_CALLED = {"train": "training", TRAIN_TOGETHER: "training"}

_COLOUR = re.compile(r"\x1b\[\d+m")
_BEGINS = re.compile(r"Executing task '-?([a-z-]+)'")
_ENDS = re.compile(r"Task '-?([a-z-]+)' finished with status (\w+)")
_SUCCEEDED = re.compile(r"Pipeline '[a-z-]+' finished with status SUCCESS")
_COMPLAINT = re.compile(r"^\s*(?:contracts|feature_repo|pipelines|serving)\.(?:\w+\.)*\w+(?:Error|Exception): (.+)$")
_LAST_RESORT = re.compile(r"^\s*([A-Za-z_][\w.]*(?:Error|Exception|Interrupt)(?:: .*)?)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRun:
    """How a run ended that came to its end.

    Attributes:
        outputs: of the pipeline, by name.
        seconds: of each task, its process's start included; of tasks of one name, from the first's begin to the last's
            end.
    """

    outputs: Mapping[str, str]
    seconds: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOutcome:
    """How a training ended.

    Attributes:
        model, version, digest: what was registered.
        decision: of the gate, with its reasons.
        figures: on workloads never seen.
        report: what the training saw.
        settings: of the training.
        seconds: of each step, see ``LocalRun``.
    """

    model: str
    version: str
    digest: str
    decision: GateDecision
    figures: HeldOutFigures
    report: TrainingReport
    settings: TrainingSettings
    seconds: Mapping[str, float]


def train_locally(
    state: Path,
    settings: TrainingSettings | None = None,
    *,
    traces: Path | None = None,
    registry: RegistryPlace | None = None,
    engine: Engine = LOCAL,
    progress: Progress | None = None,
    folds_apart: bool = False,
) -> TrainingOutcome:
    """Run the pipeline ``train`` on this machine.

    Args:
        state: the state directory, whose feature store has the traces' vectors.
        settings: of the training.
        traces: directory of the traces; within the state directory unless said.
        registry: MLflow; within the state directory unless said.
        engine: who checks vectors and fits.
        progress: told what is being done.
        folds_apart: each fold is a task of its own, as on a cluster; slower here, where a process' start costs more
            than a fold's fits.

    Raises:
        PipelineError: a step failed, with that step's own sentence; or another pipeline runs on this state.
    """
    chosen = settings or TrainingSettings()
    arguments = {
        "traces": str((traces or dataset_directory(state)).resolve()),
        "state": str(state.resolve()),
        "registry": (registry or local_registry(state)).to_json().decode(),
        "settings": chosen.to_json().decode(),
        "engine": engine.to_json().decode(),
    }
    run = run_locally("train" if folds_apart else TRAIN_TOGETHER, state, arguments, progress=progress)
    outcome, report = Outcome.from_json(run.outputs["outcome"]), TrainingReport.from_json(run.outputs["report"])
    return TrainingOutcome(
        model=outcome.model,
        version=outcome.version,
        digest=outcome.digest,
        decision=outcome.decision,
        figures=HeldOutFigures(figures=report.figures),
        report=report,
        settings=chosen,
        seconds=run.seconds,
    )


def run_locally(name: str, state: Path, arguments: Mapping[str, str], *, progress: Progress | None = None) -> LocalRun:
    """Run any of the pipelines on this machine.

    Args:
        name: of the pipeline, in ``pipelines.compiled.PIPELINES``, or ``pipelines.kfp_local.TRAIN_TOGETHER``.
        state: the state directory, where the run leaves its files, and of which one pipeline runs at a time.
        arguments: of the pipeline, by name; paths are absolute. Those left out are as on a cluster.
        progress: told what is being done.

    Raises:
        PipelineError: a task failed, with its own sentence; or another pipeline runs on this state.
    """
    work = state.resolve() / "pipeline"
    work.mkdir(parents=True, exist_ok=True)
    _make_registrys_directory(arguments)
    with _alone(work / "lock"), (work / "local.log").open("w") as log:
        watch = _Watch(log=log, progress=progress or _silent)
        watch.progress("compiling the pipeline", 0.0)
        answer, request = work / "answer.json", work / "request.json"
        answer.unlink(missing_ok=True)
        asked = Request(name=name, directory=str(work), arguments=dict(arguments), answer=str(answer))
        request.write_bytes(asked.to_json(indent=2))
        if _say("pipelines.kfp_local", request, work, watch) != 0 or not watch.succeeded:
            said = watch.complaint or "failed without a word"
            raise PipelineError(
                f"{_CALLED.get(name, name)} failed at {watch.failed or 'pipelines.kfp_local'}: {said} "
                f"(all that was said is in {log.name})"
            )
        watch.progress("done", 1.0)
        return LocalRun(outputs=Answer.from_json(answer.read_bytes()).outputs, seconds=watch.seconds)


def _make_registrys_directory(arguments: Mapping[str, str]) -> None:
    """MLflow makes a database of sqlite, but not the directory that it is to lie in."""
    place = RegistryPlace.from_json(arguments["registry"]).tracking_uri if "registry" in arguments else ""
    if place.startswith("sqlite:///"):
        Path(place.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)


def _say(module: str, argument: Path, work: Path, watch: "_Watch") -> int:
    """Run a module in a process of its own that writes to the watch; returns its exit code."""
    command = [sys.executable, "-m", module, str(argument)]
    with subprocess.Popen(  # noqa: S603
        command, cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            watch.take(line)
    return process.returncode


@dataclass(slots=True, kw_only=True)
class _Watch:
    """Takes what kfp prints: keeps it in the log, and reads from it which step runs and what it complains of."""

    log: TextIO
    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)
    failed: str | None = None
    complaint: str | None = None
    succeeded: bool = False
    _began: dict[str, float] = field(default_factory=dict)
    _in_own_words: bool = False

    def take(self, coloured: str) -> None:
        """One line."""
        line = _COLOUR.sub("", coloured)
        self.log.write(line)
        self.log.flush()
        if (begins := _BEGINS.search(line)) is not None:
            self._began.setdefault(begins[1], time.monotonic())
            if begins[1] in _DOING:
                self.progress(_DOING[begins[1]], _DONE_BEFORE[begins[1]])
        elif (ends := _ENDS.search(line)) is not None:
            if ends[1] in self._began:
                self.seconds[ends[1]] = time.monotonic() - self._began[ends[1]]
            if ends[2] != "SUCCESS":
                self.failed = ends[1]
        elif _SUCCEEDED.search(line) is not None:
            self.succeeded = True
        elif (own := _COMPLAINT.match(line)) is not None:
            self.complaint, self._in_own_words = own[1], True
        elif not self._in_own_words and (other := _LAST_RESORT.match(line)) is not None:
            self.complaint = other[1]


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PipelineError(f"another pipeline runs on this state ({lock} is held): wait for it to end") from None
        yield


def _silent(_: str, __: float) -> None:
    """Nobody wants to know."""
