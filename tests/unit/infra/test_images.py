"""What an image holds is enough to run what the manifests start in it.

No image is built here: the rooms that a Dockerfile copies are copied into a folder, and the command is run from there
with the checkout out of reach. Libraries are those of this environment; the import contracts see to it that no room
wants more of them than its extra has.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from scheduler_extender.app import create_app
from scheduler_extender.main import build_extender
from tests.unit.infra.kustomization import (
    EVERYTHING,
    KUSTOMIZE,
    ROOT,
    Manifest,
    container_of,
    environment_of,
    find,
    render,
    workloads,
)
from tests.unit.infra.test_dockerfiles import FILES, ROOMS, component_of, copied

DOCKERFILE_OF = {"leeward/agent": "agent", "leeward/extender": "extender", "leeward/train-python": "train"}
OURS = {
    workload["metadata"]["name"]: workload
    for workload in workloads(render(EVERYTHING))
    if container_of(workload)["image"].startswith("leeward/")
}
"""What the manifests start of Leeward, by name."""
HERE = {
    "/var/lib/leeward": "state",
    "/host/sys": "/sys",
    "0.0.0.0": "127.0.0.1",
    ":9464": ":0",
    "leeward-models:8080": "127.0.0.1:9",
    "leeward-ingest:8080": "127.0.0.1:9",
}
"""What stands for the manifests' paths and addresses in a test; nobody serves on the discard port."""
ENTRY_POINT = "from cli.main import app; app(prog_name='leeward')"
OUT_OF_REACH = (
    "import sys; sys.meta_path = [f for f in sys.meta_path if '__editable__' not in repr(f)]; "
    f"sys.path = [p for p in sys.path if p != {str(ROOT)!r}]; "
)


def image_of(component: str, folder: Path) -> Path:
    """The files that the component's Dockerfile copies."""
    for name in copied(ROOT / f"infra/docker/{component}.Dockerfile"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def started(folder: Path, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    foreign = ("PYTHONPATH", "KUBERNETES_", "LEEWARD_", "MLFLOW_", "NODE_NAME")
    own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return subprocess.Popen(
        [sys.executable, "-c", OUT_OF_REACH + ENTRY_POINT, *arguments],
        cwd=folder,
        env=own | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    with started(folder, *arguments) as process:
        try:
            stdout, stderr = process.communicate(timeout=60)
        finally:
            process.kill()
    return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)


def here(told: str) -> str:
    for theirs, ours in HERE.items():
        told = told.replace(theirs, ours)
    return "0" if told.isdecimal() else told


def dockerfile_of(workload: Manifest) -> str:
    return DOCKERFILE_OF[container_of(workload)["image"].partition(":")[0]]


@pytest.mark.parametrize("name", sorted(OURS))
def test_the_image_takes_the_manifests_arguments(name: str, tmp_path: Path) -> None:
    arguments = container_of(OURS[name])["args"]
    image = image_of(dockerfile_of(OURS[name]), tmp_path)
    helped = ended(image, *arguments, "--help")
    assert helped.returncode == 0, helped.stderr
    assert ended(image, *arguments, "--no-such-option").returncode == 2


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "leeward-ingest")) for name in sorted(OURS)]
)
def test_the_image_runs_what_the_manifest_starts(name: str, tmp_path: Path) -> None:
    """It listens, answers its probe, and ends well. Ingest takes seconds to, for Feast."""
    workload = OURS[name]
    arguments = [here(argument) for argument in container_of(workload)["args"]]
    environment = {variable: here(value) for variable, value in environment_of(workload).items()}
    with started(image_of(dockerfile_of(workload), tmp_path), *arguments, **environment) as process:
        try:
            assert process.stderr is not None
            said: list[str] = []
            while '"listening"' not in "".join(said[-1:]):
                said.append(process.stderr.readline())
                assert said[-1], said
            path = container_of(workload)["livenessProbe"]["httpGet"]["path"]
            with urllib.request.urlopen(f"http://127.0.0.1:{json.loads(said[-1])['port']}{path}", timeout=60) as answer:
                assert answer.status == 200
            process.terminate()
            process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0


def test_another_components_room_is_out_of_reach(tmp_path: Path) -> None:
    """Otherwise the tests above would pass whatever a Dockerfile copies."""
    failed = ended(image_of("agent", tmp_path), "extender", "serve")
    assert "No module named 'scheduler_extender'" in failed.stderr


def test_the_agents_image_measures(tmp_path: Path) -> None:
    measured = ended(image_of("agent", tmp_path), "agent", "once", "--window", "0.1", "--output", "json")
    assert measured.returncode == 0, measured.stderr
    assert '"kind": "NodeState"' in measured.stdout


@pytest.mark.parametrize("path", FILES, ids=component_of)
def test_rooms_come_with_the_rooms_they_import(path: Path) -> None:
    """The command line imports each room only when it is asked for; the others import theirs always."""
    rooms = set(copied(path)) & ROOMS
    for room in rooms - {"cli"}:
        for module in (ROOT / room).rglob("*.py"):
            assert set(imported_rooms(module)) <= rooms, module


def imported_rooms(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from {name.partition(".")[0] for name in names} & ROOMS


def test_the_extender_has_what_scheduler_and_probes_call(objects: list[Manifest], tmp_path: Path) -> None:
    served = {getattr(route, "path", None) for route in create_app(build_extender(tmp_path)).routes}
    (extender,) = yaml.safe_load((KUSTOMIZE / "scheduler/scheduler.yaml").read_text(encoding="utf-8"))["extenders"]
    called = {f"/{extender['filterVerb']}", f"/{extender['prioritizeVerb']}"}
    container = container_of(find(objects, "Deployment", "leeward-extender"))
    called |= {container[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert called <= served
