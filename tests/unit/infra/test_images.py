"""What an image holds is enough to run what the manifests start in it.

No image is built here: the rooms that a Dockerfile copies are copied into a folder, and the command is run from there
with the checkout out of reach. Libraries are those of this environment; the import contracts see to it that no room
wants more of them than its extra has.
"""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from scheduler_extender.app import create_app
from scheduler_extender.main import build_extender
from tests.unit.infra.kustomization import KUSTOMIZE, ROOT, Manifest, container_of, find
from tests.unit.infra.test_dockerfiles import FILES, ROOMS, component_of, copied

STARTED = {"agent": ("DaemonSet", "leeward-agent"), "extender": ("Deployment", "leeward-extender")}
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


def started(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-c", OUT_OF_REACH + ENTRY_POINT, *arguments],
        check=False,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("component", sorted(STARTED))
def test_the_image_takes_the_manifests_arguments(component: str, objects: list[Manifest], tmp_path: Path) -> None:
    arguments = container_of(find(objects, *STARTED[component]))["args"]
    image = image_of(component, tmp_path)
    done = started(image, *arguments, "--help")
    assert done.returncode == 0, done.stderr
    assert started(image, *arguments, "--no-such-option").returncode == 2


def test_another_components_room_is_out_of_reach(tmp_path: Path) -> None:
    """Otherwise the test above would pass whatever a Dockerfile copies."""
    done = started(image_of("agent", tmp_path), "extender", "serve")
    assert "No module named 'scheduler_extender'" in done.stderr


def test_the_agents_image_measures(tmp_path: Path) -> None:
    done = started(image_of("agent", tmp_path), "agent", "once", "--window", "0.1", "--output", "json")
    assert done.returncode == 0, done.stderr
    assert '"kind": "NodeState"' in done.stdout


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
