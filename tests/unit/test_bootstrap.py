"""The first steps on a fresh machine: saying what it lacks, and installing uv with Python's standard library alone."""

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CI = Path(__file__).parents[2] / ".ci"
UV = "#!/bin/sh\necho uv of the wheel\n"


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)


def install_uv(folder: Path) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-IS", CI / "install_uv.py", ".tools/uv", cwd=folder)


def lock_a_wheel(folder: Path, *, machine: str, sha256: str | None = None) -> None:
    """A lock file in ``folder`` that names a wheel of uv in it; with its own hash, if no other is given."""
    wheel = folder / f"uv-1.2.3-py3-none-manylinux_2_17_{machine}.manylinux2014_{machine}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("uv-1.2.3.data/scripts/uvx", "another program")
        archive.writestr("uv-1.2.3.data/scripts/uv", UV)
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (folder / "uv.lock").write_text(
        '[[package]]\nname = "other"\n\n[[package]]\nname = "uv"\nwheels = [\n'
        f'    {{ url = "file:///nowhere/uv-1.2.3-py3-none-musllinux_1_1_{machine}.whl", hash = "sha256:00" }},\n'
        f'    {{ url = "{wheel.as_uri()}", hash = "sha256:{sha256 or found}" }},\n]\n'
    )


def test_uv_comes_out_of_the_locked_wheel_and_runs(tmp_path: Path) -> None:
    lock_a_wheel(tmp_path, machine=os.uname().machine)
    assert install_uv(tmp_path).stderr == ""
    assert run(tmp_path / ".tools/uv", cwd=tmp_path).stdout == "uv of the wheel\n"
    assert [path.name for path in (tmp_path / ".tools").iterdir()] == ["uv"]


def test_a_wheel_of_another_hash_is_refused(tmp_path: Path) -> None:
    lock_a_wheel(tmp_path, machine=os.uname().machine, sha256="ab" * 32)
    outcome = install_uv(tmp_path)
    assert outcome.returncode == 1
    assert "is not the file that uv.lock means" in outcome.stderr
    assert not (tmp_path / ".tools").exists()


def test_a_machine_without_a_wheel_is_told_what_to_do(tmp_path: Path) -> None:
    lock_a_wheel(tmp_path, machine="vax")
    outcome = install_uv(tmp_path)
    assert outcome.returncode == 1
    assert outcome.stderr.startswith(f"uv.lock names no wheel of uv for {os.uname().machine}: install uv yourself")


def test_a_wheel_out_of_reach_is_told_in_one_line(tmp_path: Path) -> None:
    lock_a_wheel(tmp_path, machine=os.uname().machine)
    next(tmp_path.glob("*.whl")).unlink()
    outcome = install_uv(tmp_path)
    assert outcome.returncode == 1
    assert "can't be fetched" in outcome.stderr
    assert "HTTPS_PROXY" in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """Stands in for a Python 3.11 with headers and a compiler, until a line of its answers is changed."""
    (tmp_path / "include").mkdir()
    (tmp_path / "include/Python.h").touch()
    program = tmp_path / "python3.11"
    program.write_text(
        "#!/bin/sh\n"
        'case "$3" in\n'
        "*version_info*) echo '(3, 11)' ;;\n"
        "*version*) echo 3.10.13 ;;\n"
        f"*include*) echo {tmp_path}/include ;;\n"
        "*CC*) echo sh -pthread ;;\n"
        "esac\n"
    )
    program.chmod(0o755)
    return program


def complaint(python: Path) -> str:
    outcome = run(CI / "preflight", python, cwd=python.parent)
    assert outcome.stdout == ""
    assert outcome.returncode == (1 if outcome.stderr else 0)
    return outcome.stderr


@pytest.fixture(autouse=True)
def no_compiler_of_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)


def test_a_machine_that_lacks_nothing_passes(python: Path) -> None:
    assert complaint(python) == ""


def test_a_missing_python_is_named(tmp_path: Path) -> None:
    assert complaint(tmp_path / "python3.11").startswith(
        f"{tmp_path}/python3.11 is not there or doesn't run: install it"
    )


def test_another_python_is_named_with_its_version(python: Path) -> None:
    python.write_text(python.read_text().replace("(3, 11)", "(3, 10)"))
    assert "python3.11 is 3.10.13: say make PYTHON=<its path>" in complaint(python)


def test_missing_headers_are_named(python: Path) -> None:
    (python.parent / "include/Python.h").unlink()
    assert complaint(python).startswith("Python.h is not there: install the headers")


def test_a_missing_compiler_is_named(python: Path) -> None:
    python.write_text(python.read_text().replace("sh -pthread", "no-such-compiler -pthread"))
    assert complaint(python).startswith("the C compiler no-such-compiler is not there: install it")
