"""What can be said of the Dockerfiles without building them."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.infra.kustomization import EVERYTHING, ROOT, container_of, render, workloads

EXTRA_OF = {"agent": "agent", "extender": "extender", "train": "train"}
FILES = sorted((ROOT / "infra/docker").glob("*.Dockerfile"))
ROOMS = {"agent", "cli", "contracts", "eval", "feature_repo", "infra", "pipelines", "scheduler_extender", "serving"}
ROOMS_OF = {
    "agent": {"agent", "cli", "contracts", "serving"},
    "extender": {"cli", "contracts", "scheduler_extender", "serving"},
    "train": {"cli", "contracts", "feature_repo", "pipelines", "serving"},
}
HOST = re.compile(r"\b[a-z0-9-]+(\.[a-z0-9-]+)*\.(io|com|org|dev|net)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    keyword: str
    arguments: str


def instructions(path: Path) -> list[Instruction]:
    return list(_instructions(path.read_text(encoding="utf-8")))


def _instructions(text: str) -> Iterator[Instruction]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for logical in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        keyword, _, arguments = logical.strip().partition(" ")
        yield Instruction(keyword=keyword, arguments=arguments.strip())


def arguments_of(path: Path, keyword: str) -> list[str]:
    return [instruction.arguments for instruction in instructions(path) if instruction.keyword == keyword]


def copied(path: Path) -> list[str]:
    sources = [arguments.split()[:-1] for arguments in arguments_of(path, "COPY") if "--from=" not in arguments]
    return [source for part in sources for source in part]


def component_of(path: Path) -> str:
    return path.name.removesuffix(".Dockerfile")


each_file = pytest.mark.parametrize("path", FILES, ids=component_of)


def test_one_file_a_component() -> None:
    assert {component_of(path) for path in FILES} == set(EXTRA_OF)


@each_file
def test_every_keyword_is_known(path: Path) -> None:
    known = {"FROM", "RUN", "ENV", "WORKDIR", "COPY", "LABEL", "USER", "EXPOSE", "ENTRYPOINT", "CMD"}
    assert {instruction.keyword for instruction in instructions(path)} <= known


@each_file
def test_every_copied_source_exists(path: Path) -> None:
    assert copied(path)
    for source in copied(path):
        assert (ROOT / source).exists(), f"{path.name} copies {source}, which is not in the tree"


@each_file
def test_only_the_components_rooms_are_copied(path: Path) -> None:
    assert {source for source in copied(path) if source in ROOMS} == ROOMS_OF[component_of(path)]


def test_build_context_lets_through_what_is_copied_and_no_more() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert allowed == {source for path in FILES for source in copied(path)}


@each_file
def test_installed_extra_is_the_components_own(path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (sync,) = [run for run in arguments_of(path, "RUN") if run.startswith("uv sync")]
    extras = re.findall(r"--extra (\S+)", sync)
    assert extras == [EXTRA_OF[component_of(path)]]
    assert extras[0] in project["optional-dependencies"]
    assert {"--frozen", "--no-dev"} <= set(sync.split())


@each_file
def test_python_is_the_projects(path: Path) -> None:
    stages = arguments_of(path, "FROM")
    assert len(stages) == 2
    assert stages[0] == f"{stages[1]} AS build"
    assert re.fullmatch(r"python:3\.11-slim-[a-z]+", stages[1])


@each_file
def test_installer_is_the_one_that_the_lock_names(path: Path) -> None:
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    (locked,) = [package["version"] for package in packages if package["name"] == "uv"]
    (install,) = [run for run in arguments_of(path, "RUN") if run.startswith("pip install")]
    assert install == f"pip install --no-cache-dir uv=={locked}"


@each_file
def test_no_tag_floats_and_no_host_is_named(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "latest" not in text
    assert "://" not in text
    for stage in arguments_of(path, "FROM"):
        assert HOST.search(stage) is None


@each_file
def test_last_user_is_unprivileged_and_numeric(path: Path) -> None:
    keywords = [instruction.keyword for instruction in instructions(path)]
    user = arguments_of(path, "USER")[-1]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert keywords.index("USER") > len(keywords) - 1 - keywords[::-1].index("FROM"), "in the final stage"


@each_file
def test_labels_say_title_version_and_licence(path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (labels,) = arguments_of(path, "LABEL")
    found = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', labels))
    assert set(found) == {"title", "description", "version", "licenses"}
    assert found["version"] == project["version"]
    assert found["licenses"] == project["license"]


def test_agents_stage_compiles_the_extension() -> None:
    path = ROOT / "infra/docker/agent.Dockerfile"
    runs = arguments_of(path, "RUN")
    assert any("gcc" in run for run in runs)
    (build,) = [run for run in runs if "perf_build.py" in run]
    script = re.search(r"(\S+/perf_build\.py)", build)
    assert script is not None
    assert (ROOT / script[1]).is_file()


def test_manifests_run_these_images() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    images = {container_of(workload)["image"] for workload in workloads(render(EVERYTHING))}
    assert {f"leeward/{name}:{project['version']}" for name in ("agent", "extender", "train-python")} <= images
