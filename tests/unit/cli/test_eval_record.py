"""``leeward eval record`` as a user calls it: a program that a signal ends well."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cli.eval_record import _say_skew, record, seconds_of
from eval.replay.placements import ALWAYS, survey
from eval.replay.reading import Recording
from eval.replay.recorder import RESOURCES
from eval.replay.recording import Kind
from eval.replay.trouble import Trouble
from tests.unit.eval.replay.site import at, decision_of, node_object, write_decisions
from tests.unit.live_server import eventually
from tests.unit.scheduler_extender.api_stub import ApiStub, api_stubs
from tests.unit.scheduler_extender.small_cluster import pod_object

APP = typer.Typer()
APP.command()(record)
LEEWARD = str(Path(sys.executable).with_name("leeward"))
NODES, PODS = RESOURCES[Kind.NODE].path, RESOURCES[Kind.POD].path


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90.0), ("15m", 900.0), ("12h", 43_200.0), ("7d", 604_800.0)])
def test_durations_are_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "7", "d", "0s", "1.5h", "-1h", "1w", "٣d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no duration: write 90s, 15m, 12h or 7d"):
        seconds_of(text)


def test_outside_a_pod_the_api_server_is_named(tmp_path: Path) -> None:
    said = CliRunner().invoke(APP, ["--into", str(tmp_path / "r")], env={"KUBERNETES_SERVICE_HOST": ""})
    assert said.exit_code == 2
    assert "--api-server is needed: outside a pod no cluster is found" in said.output
    assert not (tmp_path / "r").exists()


def test_an_api_server_that_cant_be_reached_is_one_sentence(tmp_path: Path) -> None:
    said = CliRunner().invoke(APP, ["--into", str(tmp_path / "r"), "--api-server", "http://127.0.0.1:9"])
    assert said.exit_code == 1
    assert said.output.startswith("leeward: API server http://127.0.0.1:9 can't be read (/api/v1/nodes)")


def test_clocks_that_lie_apart_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    _say_skew(at(0), at(4))
    _say_skew(None, at(60))
    assert capsys.readouterr().err == ""
    _say_skew(at(0), at(60))
    assert "the API server's lie +60 s apart: synchronise them" in capsys.readouterr().err


@contextmanager
def recording(stubs: dict[str, ApiStub], into: Path, *options: object) -> Iterator["subprocess.Popen[str]"]:
    """The program, once it has written all that there is."""
    parts = len(list(into.glob("events-*")))
    process = subprocess.Popen(
        [LEEWARD, "eval", "record", "--into", into, "--api-server", stubs[NODES].server.url, *map(str, options)],
        env=os.environ | {"NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        part = into / f"events-{parts + 1:06}.jsonl"
        eventually(lambda: part.is_file() and b'"kind":"whole"' in part.read_bytes())
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def stubs() -> Iterator[dict[str, ApiStub]]:
    with api_stubs(*(resource.path for resource in RESOURCES.values())) as found:
        found[NODES].put("spr-1", **node_object("spr-1"))
        yield found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_with_all_written_that_was_seen(
    tmp_path: Path, stubs: dict[str, ApiStub], number: int
) -> None:
    into, extender = tmp_path / "recording", tmp_path / "extender"
    write_decisions(extender, decision_of("a", 5))
    with recording(stubs, into, "--decisions", extender) as process:
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert "1 node; replay it with `leeward eval replay --recording" in output
    troubles: Counter[Trouble] = Counter()
    found = Recording(into)
    assert [event.name for event in found.events(troubles)] == ["spr-1", ""]
    assert not +troubles
    assert found.headers[0].cluster_time is not None
    copied = (into / "decisions" / "decisions.jsonl").read_text(encoding="utf-8")
    assert json.loads(copied)["uid"] == "a"


def test_killed_and_started_again_it_goes_on_and_what_was_there_is_no_news(
    tmp_path: Path, stubs: dict[str, ApiStub]
) -> None:
    into = tmp_path / "recording"
    stubs[PODS].put("cnf", **pod_object("uid-of-cnf", node="spr-1"))
    with recording(stubs, into) as process:
        process.kill()
    with recording(stubs, into) as process:
        process.terminate()
        process.communicate(timeout=60)
    troubles: Counter[Trouble] = Counter()
    looked = survey(Recording(into), {}, period=ALWAYS, background=(), troubles=troubles)
    assert (Recording(into).sessions, looked.placements, looked.there_before) == (2, (), 1)
    assert not +troubles
