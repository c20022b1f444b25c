"""kfp's own client against a stub of Kubeflow's API: what is uploaded, once, and what is run."""

import json
import socket
from dataclasses import replace

import pytest
import yaml

from pipelines.errors import PipelineError
from pipelines.registry import RegistryPlace
from pipelines.settings import TrainingSettings
from pipelines.submission import Submission, submit
from pipelines.training_pipeline import PIPELINE_NAME
from tests.unit.pipelines.kubeflow_stub import Kubeflow, kubeflow

SUBMISSION = Submission(
    host="http://127.0.0.1:1",
    registry=RegistryPlace(tracking_uri="http://mlflow.example:5000"),
    settings=TrainingSettings(seed=11),
    image="registry.example/leeward/train-python:7",
    traces="/var/lib/leeward/traces",
    state="/var/lib/leeward",
)


@pytest.fixture(scope="module")
def three_submissions() -> Kubeflow:
    """The same submission twice, then a recurring one in another image."""
    with kubeflow(token="open-sesame") as server:
        told = replace(SUBMISSION, host=server.host, token="open-sesame")
        first = submit(told)
        second = submit(told)
        third = submit(replace(told, image="registry.example/leeward/train-python:8", recurring="0 30 2 * * *"))
        assert [first.uploaded, second.uploaded, third.uploaded] == [True, False, True]
        assert first.version == second.version != third.version
        assert (first.run, second.run, third.run) == ("run-0", "run-1", "recurring_run-0")
        assert first.address == f"{server.host}/#/runs/details/run-0"
        assert third.address == f"{server.host}/#/recurringrun/details/recurring_run-0"
    return server


def test_a_pipeline_is_made_once_and_each_form_of_it_is_one_version(three_submissions: Kubeflow) -> None:
    assert [entry["display_name"] for entry in three_submissions.pipelines] == [PIPELINE_NAME]
    _, old, new = (entry["display_name"] for entry in three_submissions.versions)
    assert old != new
    assert old.startswith(f"{PIPELINE_NAME}-")
    assert len(three_submissions.experiments) == 1


def test_the_uploaded_pipeline_runs_in_the_image_that_was_named(three_submissions: Kubeflow) -> None:
    *_, last = three_submissions.packages
    pipeline, _ = yaml.safe_load_all(last)
    executors = pipeline["deploymentSpec"]["executors"].values()
    assert {executor["container"]["image"] for executor in executors} == {"registry.example/leeward/train-python:8"}


def test_a_run_names_the_version_and_says_where_everything_is(three_submissions: Kubeflow) -> None:
    run, _ = three_submissions.runs
    assert run["pipeline_version_reference"] == {"pipeline_id": "pipeline-0", "pipeline_version_id": "version-1"}
    told = run["runtime_config"]["parameters"]
    assert told["traces"] == "/var/lib/leeward/traces"
    assert json.loads(told["registry"])["trackingUri"] == "http://mlflow.example:5000"
    assert TrainingSettings.from_json(told["settings"]).seed == 11


def test_a_recurring_run_never_overlaps_itself_and_never_catches_up(three_submissions: Kubeflow) -> None:
    (recurring,) = three_submissions.recurring_runs
    assert recurring["trigger"]["cron_schedule"]["cron"] == "0 30 2 * * *"
    assert int(recurring["max_concurrency"]) == 1
    assert recurring["no_catchup"] is True
    assert recurring["mode"] == "ENABLE"


def test_who_is_not_known_there_is_told_what_kubeflow_said() -> None:
    with kubeflow(token="open-sesame") as server, pytest.raises(PipelineError, match=r"answered 401 .*who are you\?"):
        submit(replace(SUBMISSION, host=server.host, token="open-barley"))


def test_an_endpoint_that_is_not_there_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(PipelineError, match=rf"^Kubeflow at {host} can't be reached"):
            submit(replace(SUBMISSION, host=host))


def test_a_schedule_of_five_fields_is_refused_since_kubeflow_counts_seconds_first() -> None:
    with pytest.raises(PipelineError, match=r"'30 2 \* \* \*' has 5 field\(s\): six are meant, seconds first"):
        replace(SUBMISSION, recurring="30 2 * * *")
