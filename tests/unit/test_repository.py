"""What the files around the rooms promise each other: packaging, licences, links, targets."""

import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import grimp
import pytest

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKED = {
    package["name"]: package for package in tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
}
ROOMS = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))
HIDDEN = {".ci", ".dockerignore", ".gitignore"}
TEXT = {
    "",
    ".c",
    ".cfg",
    ".css",
    ".h",
    ".html",
    ".in",
    ".js",
    ".json",
    ".md",
    ".py",
    ".pyi",
    ".toml",
    ".txt",
    ".yaml",
    ".yml",
}


def our_files(*suffixes: str) -> list[Path]:
    """Files of these suffixes that belong to the repository, whether git is there or not."""
    tops = [path for path in ROOT.iterdir() if not path.name.startswith(".") or path.name in HIDDEN]
    inside = [path for top in tops if top.is_dir() and top.name not in {"build", "dist"} for path in top.rglob("*")]
    return sorted(
        path
        for path in (*tops, *inside)
        if path.is_file() and path.suffix in suffixes and not {"__pycache__", "leeward.egg-info"} & set(path.parts)
    )


def targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z0-9]+):(?!=)", makefile, flags=re.MULTILINE))


def test_every_list_of_rooms_names_them_all() -> None:
    tools = PYPROJECT["tool"]
    assert tools["setuptools"]["packages"]["find"]["include"] == [f"{room}*" for room in ROOMS]
    assert tools["importlinter"]["root_packages"] == ROOMS
    assert sorted(tools["mypy"]["packages"]) == sorted([*ROOMS, "tests"])
    manifest = (ROOT / "MANIFEST.in").read_text(encoding="utf-8")
    assert re.findall(r"^graft (\w+)$", manifest, flags=re.MULTILINE) == ROOMS
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [room for room in ROOMS if f"`{room}/`" not in contributing] == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_says_what_it_is_for(room: str) -> None:
    assert (ROOT / room / "README.md").is_file()


def test_every_licence_goes_into_the_wheel() -> None:
    found = {path.relative_to(ROOT).as_posix() for path in our_files("", ".txt", ".md") if path.stem == "LICENSE"}
    assert set(PYPROJECT["project"]["license-files"]) == found


def test_the_changelog_knows_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{PYPROJECT['project']['version']}]" in changelog


def test_every_build_requirement_is_pinned() -> None:
    constraints = PYPROJECT["tool"]["uv"]["build-constraint-dependencies"]
    pinned = dict(constraint.split("==") for constraint in constraints)
    required = {re.split(r"[^\w-]", requirement)[0] for requirement in PYPROJECT["build-system"]["requires"]}
    assert required <= set(pinned)


def test_the_lock_file_names_the_public_index_alone() -> None:
    text = (ROOT / "uv.lock").read_text(encoding="utf-8")
    assert set(re.findall(r"https?://([^/\"]+)", text)) == {"pypi.org", "files.pythonhosted.org"}


def test_images_are_built_with_the_locked_uv() -> None:
    for path in (ROOT / "infra/docker").glob("*.Dockerfile"):
        assert re.findall(r"\buv==([\d.]+)", path.read_text(encoding="utf-8")) == [LOCKED["uv"]["version"]], path.name


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", ".ci/run"])
def test_named_targets_exist(name: str) -> None:
    named = set(
        re.findall(r"(?:^ *|`)make ((?:[a-z0-9]+ ?)+)", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    assert named
    assert {target for names in named for target in names.split()} <= targets()


@pytest.mark.parametrize("path", our_files(".md"), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    prose = re.sub(r"^(```|~~~).*?^\1", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\(([^)\s#]+)[^)]*\)", re.sub(r"`[^`\n]*`", "", prose))
    lost = [link for link in links if "://" not in link and not (path.parent / link).exists()]
    assert lost == []


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs/adr"
    listed = re.findall(r"\((\d{4}-[a-z0-9-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert listed == sorted(path.name for path in folder.glob("[0-9]*.md"))


def test_no_file_names_a_folder_of_someones_machine() -> None:
    own = re.compile(r"(?<![\w.}/])/(home|root|Users|work|workspace|builds)/\w")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in our_files(*TEXT)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if own.search(line)
    ]
    assert found == []


def installed_with(extras: set[str]) -> set[str]:
    """Every distribution that the lock file installs for these extras."""
    project = LOCKED["leeward"]
    wanted = [*project["dependencies"], *(need for extra in extras for need in project["optional-dependencies"][extra])]
    seen: set[tuple[str, str]] = set()
    while wanted:
        need = wanted.pop()
        for extra in ("", *need.get("extra", ())):
            if (need["name"], extra) not in seen:
                seen.add((need["name"], extra))
                wanted.extend(needs_of(LOCKED[need["name"]], extra))
    return {name for name, _ in seen}


def needs_of(package: dict[str, Any], extra: str) -> list[dict[str, Any]]:
    needs: list[dict[str, Any]] = (
        package.get("optional-dependencies", {}).get(extra, []) if extra else package.get("dependencies", [])
    )
    return needs


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph(*ROOMS, include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None)


@pytest.mark.parametrize(
    ("room", "extras"),
    [
        ("agent", {"agent"}),
        ("scheduler_extender", {"extender"}),
        ("feature_repo", {"train"}),
        ("pipelines", {"train"}),
        ("serving", {"agent", "extender", "train"}),
        ("eval", {"agent", "extender", "train"}),
        ("cli", {"agent", "extender", "train"}),
    ],
)
def test_a_room_runs_with_what_its_extra_installs(imports: grimp.ImportGraph, room: str, extras: set[str]) -> None:
    distributions = packages_distributions()
    available = installed_with(extras)
    needed = {room, *imports.find_descendants(room), *imports.find_upstream_modules(room, as_package=True)}
    missing = set()
    for module in needed - {"infra", *imports.find_descendants("infra")}:
        top = module.split(".")[0]
        found = {re.sub(r"[-_.]+", "-", name).lower() for name in distributions.get(top, [])}
        if top not in ROOMS and top not in sys.stdlib_module_names and not found & available:
            missing.add(module)
    assert missing == set()


def test_extras_are_followed_through_the_lock_file() -> None:
    assert "feast" not in installed_with({"agent", "extender"})
    assert {"pyarrow", "mlflow-skinny"} & installed_with({"extender"}) == {"mlflow-skinny"}
    assert "httptools" in installed_with({"extender"}), "uvicorn's own extra"
