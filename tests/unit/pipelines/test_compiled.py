"""The committed pipelines are what the code says, and ask a cluster for what their steps need."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.compiled import COMPILED, PIPELINES, main, stale, write
from pipelines.component_image import DEFAULT_IMAGE
from pipelines.task_needs import NEEDS

ONES = sorted(PIPELINES)


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((COMPILED / f"{name}.yaml").read_text()))


def tasks(name: str) -> dict[str, dict[str, Any]]:
    """All tasks of a pipeline, those of its loops too."""
    pipeline = documents(name)[0]
    dags = [pipeline["root"]["dag"], *(part["dag"] for part in pipeline["components"].values() if "dag" in part)]
    return {task: spec for dag in dags for task, spec in dag["tasks"].items() if "parameterIterator" not in spec}


def test_the_committed_pipelines_are_current() -> None:
    assert stale() == (), "run `python -m pipelines.compiled --write`"


def test_a_pipeline_that_is_edited_missing_or_nobodys_is_stale(tmp_path: Path) -> None:
    write(tmp_path)
    assert stale(tmp_path) == ()
    (tmp_path / "train.yaml").write_text((tmp_path / "train.yaml").read_text() + "\n")
    (tmp_path / "promote.yaml").unlink()
    (tmp_path / "forgotten.yaml").write_text("")
    assert stale(tmp_path) == ("forgotten.yaml", "promote.yaml", "train.yaml")


def test_another_image_stands_in_every_executor_and_nowhere_the_default(tmp_path: Path) -> None:
    assert main(["--to", str(tmp_path), "--image", "registry.example/train-python:9"]) == 0
    for name in ONES:
        text = (tmp_path / f"{name}.yaml").read_text()
        assert "registry.example/train-python:9" in text
        assert DEFAULT_IMAGE not in text


@pytest.mark.parametrize("name", ONES)
def test_no_path_of_a_machine_and_no_installation_at_run_time_is_compiled_in(name: str) -> None:
    text = (COMPILED / f"{name}.yaml").read_text()
    assert "pip install" not in text
    assert not re.search(r"/(?:home|root|Users|work|tmp/[a-z])", text)


@pytest.mark.parametrize("name", ONES)
def test_what_looks_at_a_store_is_never_taken_from_a_cache(name: str) -> None:
    for task, spec in tasks(name).items():
        needs = NEEDS[task]
        assert bool(spec["cachingOptions"].get("enableCache")) is needs.cacheable, task
        reaches_out = needs.state or needs.feature_store or (needs.mlflow and task != "show-held-out")
        assert not (needs.cacheable and reaches_out), task


@pytest.mark.parametrize("name", ONES)
def test_each_task_has_its_resources_its_retries_its_time_and_its_volume(name: str) -> None:
    pipeline, platform = documents(name)
    executors = pipeline["deploymentSpec"]["executors"]
    kubernetes = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for task, spec in tasks(name).items():
        needs, executor = NEEDS[task], f"exec-{task}"
        resources = executors[executor]["container"]["resources"]
        assert resources["resourceMemoryLimit"] == needs.most_memory
        assert resources["resourceCpuRequest"] == needs.cpu
        assert spec.get("retryPolicy", {}).get("maxRetryCount", 0) == needs.retries
        assert int(kubernetes[executor]["activeDeadlineSeconds"]) == 60 * needs.minutes
        assert ("pvcMount" in kubernetes[executor]) is needs.state


def test_folds_are_fitted_in_parallel_and_only_once_the_data_are_valid() -> None:
    pipeline = documents("train")[0]
    root = pipeline["root"]["dag"]["tasks"]
    (loop,) = (spec for spec in root.values() if "parameterIterator" in spec)
    assert loop["parameterIterator"]["items"] == {
        "inputParameter": "pipelinechannel--number-folds-Output-loop-item"
    } or ("number-folds" in loop["parameterIterator"]["items"]["inputParameter"])
    assert list(pipeline["components"][loop["componentRef"]["name"]]["dag"]["tasks"]) == ["fit-fold"]
    assert "validate" in root["number-folds"]["dependentTasks"]
    assert "number-folds" in loop["dependentTasks"]


def test_what_kubeflow_shows_of_a_training_is_typed() -> None:
    components = documents("train")[0]["components"]
    shown = {
        (component.removeprefix("comp-"), artifact): kind["artifactType"]["schemaTitle"].removeprefix("system.")
        for component, spec in components.items()
        if "executorLabel" in spec
        for artifact, kind in spec.get("outputDefinitions", {}).get("artifacts", {}).items()
    }
    assert shown == {
        ("extract", "extracted"): "Dataset",
        ("validate", "data_docs"): "HTML",
        ("validate", "bad_rows"): "Dataset",
        ("fit-fold", "fits"): "Model",
        ("train-from-folds", "trained"): "Model",
        ("train-from-folds", "figures"): "Metrics",
        ("train-from-folds", "regimes"): "ClassificationMetrics",
        ("train-from-folds", "coverage"): "HTML",
        ("train-from-folds", "labels"): "Markdown",
        ("promote", "decision"): "Markdown",
    }
