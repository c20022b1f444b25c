"""The real server on loopback: keep-alive, the watch beside the requests, champions that change under load."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler_extender.main import bound
from scheduler_extender.service import utc_now
from tests.unit.live_server import eventually
from tests.unit.scheduler_extender.asking import Client, serving
from tests.unit.scheduler_extender.conftest import Promote
from tests.unit.scheduler_extender.small_cluster import PRESSED, QUIET, args, captured, node_state, pod_object, publish

NODES = ("spr-0001", "spr-0003")


def scores(client: Client) -> dict[str, int]:
    body = args(pod_object("u", annotations={"leeward.dev/max-slowdown": "2.5"}), *NODES)
    return {entry["Host"]: entry["Score"] for entry in client.post("/prioritize", body)}


def test_an_empty_state_is_served_and_filled_while_serving(state: Path, promote: Promote) -> None:
    with serving(state) as port:
        client = Client(port)
        assert len(client.post("/filter", captured("filter-upf-names-16"))["NodeNames"]) == 16
        assert len(set(scores(client).values())) == 1
        assert client.get("/healthz")["mode"] == "neutral"
        promote("1")
        publish(state, node_state("spr-0001", PRESSED, seen=utc_now()), node_state("spr-0003", QUIET, seen=utc_now()))
        eventually(lambda: client.get("/healthz")["nodes"] == 2 and client.get("/healthz")["mode"] == "scoring")
        found = scores(client)
        assert found["spr-0003"] > found["spr-0001"]


def test_the_champion_changes_under_load_without_a_request_dropped(state: Path, promote: Promote) -> None:
    promote("1")
    publish(state, node_state("spr-0001", PRESSED, seen=utc_now()), node_state("spr-0003", QUIET, seen=utc_now()))
    with serving(state) as port:
        stop = threading.Event()
        answered: list[int] = []
        failures: list[BaseException] = []

        def ask_on_and_on() -> None:
            client, count = Client(port), 0
            try:
                while not stop.is_set():
                    found = scores(client)
                    assert found["spr-0003"] > found["spr-0001"]
                    client.post("/filter", captured("filter-upf-names-16"))
                    count += 1
            except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
                failures.append(error)
            answered.append(count)

        threads = [threading.Thread(target=ask_on_and_on) for _ in range(4)]
        for thread in threads:
            thread.start()
        client = Client(port)
        for version in ("2", "3", "4"):
            digest = promote(version)
            eventually(lambda expected=digest: client.get("/healthz")["champion"] == expected)  # type: ignore[misc]
        stop.set()
        for thread in threads:
            thread.join(timeout=20)
        assert not failures
        assert len(answered) == 4
        assert min(answered) > 0


def started(state: Path, **environment: str) -> tuple["subprocess.Popen[str]", int]:
    """The program as it is run, and the port that its log names."""
    code = "import sys, pathlib, scheduler_extender.main as m; m.serve(state=pathlib.Path(sys.argv[1]), port=0)"
    program = subprocess.Popen(
        [sys.executable, "-c", code, str(state)], stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    assert program.stderr is not None
    for text in program.stderr:
        event = json.loads(text)
        if event["event"] == "listening":
            return program, event["port"]
    raise AssertionError("it ended before it listened")


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 0)])
def test_the_program_ends_on_a_signal(state: Path, sent: signal.Signals, code: int) -> None:
    program, port = started(state / "new")
    try:
        client = Client(port)
        assert client.get("/healthz")["status"] == "ok"
        program.send_signal(sent)
        _, rest = program.communicate(timeout=20)
    finally:
        program.kill()
    assert program.returncode == code
    assert "Traceback" not in rest
    assert list((state / "new").iterdir()) == []


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """A real MLflow server."""
    with bound("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    program = subprocess.Popen(
        [
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db"),
            *("--artifacts-destination", str(tmp_path / "artifacts")),
        ],
        cwd=tmp_path,
        env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()


@pytest.mark.slow
def test_the_champion_is_the_one_that_the_registrys_alias_names(
    state: Path, tmp_path: Path, graphs: dict[str, bytes], registry: str
) -> None:
    from serving.mlflow_champion import BUNDLE_ARTIFACT, DIGEST_TAG, registry_client
    from tests.unit.scheduler_extender import xgboost_bundle

    def answers() -> bool:
        connection = http.client.HTTPConnection(registry.removeprefix("http://"), timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def registered(version: str) -> str:
        digest = xgboost_bundle.write(
            tmp_path / f"made-{version}", graphs, version=version, log_margin=0.1 * int(version)
        )
        run = client.create_run("0").info
        client.log_artifacts(run.run_id, str(tmp_path / f"made-{version}"), BUNDLE_ARTIFACT)
        source = f"{run.artifact_uri}/{BUNDLE_ARTIFACT}"
        found = client.create_model_version("leeward", source, run.run_id, tags={DIGEST_TAG: digest})
        client.set_registered_model_alias("leeward", "champion", found.version)
        return digest

    eventually(answers, seconds=120)
    client = registry_client(registry)
    client.create_registered_model("leeward")
    (state / "extender.json").write_text('{"registrySeconds": 0.2, "pollSeconds": 0.5}')
    first = registered("1")
    program, port = started(state, MLFLOW_TRACKING_URI=registry)
    try:
        asked = Client(port)
        eventually(lambda: asked.get("/healthz")["champion"] == first, seconds=60)
        second = registered("2")
        eventually(lambda: asked.get("/healthz")["champion"] == second, seconds=60)
        assert asked.get("/healthz")["registry_complaint"] == ""
    finally:
        program.terminate()
        program.communicate(timeout=30)
