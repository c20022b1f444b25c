"""kfp's own client against a stub of Kubeflow's API: a run is followed, found again, and ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from eval.watch.kubeflow_trainer import KubeflowTrainer
from eval.watch.trainer import RunState
from pipelines.errors import PipelineError
from pipelines.registry import RegistryPlace
from pipelines.settings import TrainingSettings
from pipelines.submission import Submission
from tests.unit.pipelines.kubeflow_stub import PREFIX, Kubeflow, kubeflow

pytestmark = pytest.mark.slow  # kfp's client, and the pipeline compiled

SUBMISSION = Submission(
    host="http://127.0.0.1:1",
    registry=RegistryPlace(tracking_uri="http://mlflow.example:5000"),
    settings=TrainingSettings(),
    image="registry.example/leeward/train-python:7",
    traces="/var/lib/leeward/traces",
    state="/var/lib/leeward",
)


class WithRuns(Kubeflow):
    """The stub, which also tells of runs and ends them."""

    __slots__ = ()

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        known = {run["run_id"]: run for run in self.runs}
        match method, path.removeprefix(PREFIX).strip("/").split("/"):
            case "GET", ["runs"]:
                return 200, {"runs": self.runs[::-1]}
            case "GET", ["runs", run]:
                return (200, known[run]) if run in known else (404, {"message": f"no {run}"})
            case "POST", ["runs", what]:
                known[what.removesuffix(":terminate")]["state"] = "CANCELING"
                return 200, {}
        return Kubeflow.answer(self, method, path, query, body)


@contextmanager
def kubeflow_with_runs() -> Iterator[Kubeflow]:
    with kubeflow() as server:
        server.__class__ = WithRuns
        yield server


def test_a_run_is_begun_found_again_and_followed() -> None:
    with kubeflow_with_runs() as server:
        trainer = KubeflowTrainer(replace(SUBMISSION, host=server.host))
        before = trainer.known()
        assert before == ()
        assert trainer.find("watch-1", before) is None
        handle = trainer.start("watch-1")
        again = KubeflowTrainer(replace(SUBMISSION, host=server.host))
        assert again.find("watch-1", before) == handle
        assert again.find("watch-2", again.known()) is None
        assert again.status(handle).state is RunState.RUNNING
        for said, meant in (
            ("PENDING", RunState.RUNNING),
            ("SUCCEEDED", RunState.ENDED),
            ("FAILED", RunState.FAILED),
            ("CANCELED", RunState.FAILED),
        ):
            server.runs[0]["state"] = said
            assert again.status(handle).state is meant
        assert f"Kubeflow says of run {handle}: canceled" in again.status(handle).said
        assert again.status("run-of-nobody").state is RunState.LOST
        again.end(handle)
        assert server.runs[0]["state"] == "CANCELING"


def test_a_kubeflow_that_is_away_is_one_sentence() -> None:
    with pytest.raises(PipelineError, match=r"^Kubeflow at http://127\.0\.0\.1:1 can't be reached"):
        KubeflowTrainer(SUBMISSION).status("run-0")
