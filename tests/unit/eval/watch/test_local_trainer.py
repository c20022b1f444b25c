"""Trainings as processes: found again, followed, ended, whatever happens to who started them."""

import time
from pathlib import Path

import pytest

from eval.watch.local_trainer import LocalTrainer
from eval.watch.trainer import RunState, RunStatus

SLOW, WELL, BADLY, DEAD = (
    f"tests.unit.eval.watch.{name}" for name in ("run_slow", "run_well", "run_badly", "run_dead")
)


def settled(trainer: LocalTrainer, run: str) -> RunStatus:
    given_up = time.monotonic() + 30.0
    while (status := trainer.status(run)).state is RunState.RUNNING and time.monotonic() < given_up:
        time.sleep(0.02)
    return status


@pytest.mark.parametrize(
    ("module", "state", "said"),
    [
        (WELL, RunState.ENDED, ""),
        (BADLY, RunState.FAILED, "no traces to train on"),
        (DEAD, RunState.LOST, "its process is gone"),
    ],
)
def test_a_run_is_followed_to_its_end(tmp_path: Path, module: str, state: RunState, said: str) -> None:
    trainer = LocalTrainer(tmp_path, module=module)
    assert trainer.known() == ()
    assert trainer.find("watch-1", ()) is None
    handle = trainer.start("watch-1")
    status = settled(trainer, handle)
    assert status.state is state
    assert said in status.said
    assert LocalTrainer(tmp_path).status(handle).state is state, "another process sees the same"
    assert LocalTrainer(tmp_path).find("watch-1", ()) == "watch-1"
    assert trainer.known() == ("watch-1",)


def test_a_run_that_goes_on_is_found_by_another_watch_and_ended_with_all_its_processes(tmp_path: Path) -> None:
    first = LocalTrainer(tmp_path, module=SLOW)
    first.start("watch-1")
    place = tmp_path / "watch" / "runs" / "watch-1"
    given_up = time.monotonic() + 30.0
    while not (place / "child").exists() and time.monotonic() < given_up:
        time.sleep(0.02)
    child = int((place / "child").read_text())
    second = LocalTrainer(tmp_path)
    assert second.find("watch-1", ()) == "watch-1"
    assert second.status("watch-1").state is RunState.RUNNING
    first.end("watch-1")
    assert first.status("watch-1").state is RunState.LOST
    given_up = time.monotonic() + 10.0
    while is_alive(child) and time.monotonic() < given_up:
        time.sleep(0.02)
    assert not is_alive(child)


def is_alive(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


def test_a_run_that_was_never_begun_is_not_found_though_its_directory_is_there(tmp_path: Path) -> None:
    place = tmp_path / "watch" / "runs" / "watch-1"
    place.mkdir(parents=True)
    (place / "lock").touch()
    assert LocalTrainer(tmp_path).find("watch-1", ()) is None
    assert LocalTrainer(tmp_path).known() == ()
