"""Feast's own commands on a state directory, each as the process that a user starts: every one imports for seconds."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import numpy as np
import pytest

from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector import FeatureVector, from_json_values
from feature_repo.definitions import definitions_of
from feature_repo.history import latest_vectors
from feature_repo.ingest import Ingest
from feature_repo.names import PROFILE_NAME, REGIME_SERVICE_NAME, VIEW_NAME
from feature_repo.profiles import latest_profile, write_profiles
from feature_repo.store import Store, open_store
from tests.unit.feature_repo.documents import profile
from tests.unit.feature_repo.servers import free_port
from tests.unit.feature_repo.vectors import DAY_START_NS, SECOND_NS, vector

pytestmark = pytest.mark.slow

_ROOT = Path(__file__).parents[3]
_FEAST = str(Path(sys.executable).with_name("feast"))
_ENVIRONMENT = {**os.environ, "PYTHONPATH": str(_ROOT), "PYTHONWARNINGS": "ignore"}
_PATIENCE_SECONDS = 120.0

OLD = vector(domain="old")
ONLINE = vector(domain="online")


@dataclass(frozen=True, slots=True)
class _Answer:
    type: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@pytest.fixture(scope="module")
def recent() -> FeatureVector:
    return vector((time.time_ns() - DAY_START_NS) / SECOND_NS - 60, domain="recent")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, recent: FeatureVector) -> Store:
    """One whose online store was lost, and has got one vector since."""
    state = tmp_path_factory.mktemp("state")
    first = open_store(state)
    Ingest(first).accept([OLD, recent])
    write_profiles(first, [profile("upf", 5)])
    (first.directory / first.feast.config.online_store.path).unlink()
    store = open_store(state)
    Ingest(store).accept([ONLINE])
    return store


def _started(store: Store, *arguments: str) -> "subprocess.Popen[str]":
    command = [_FEAST, "-c", str(store.directory), *arguments]
    return subprocess.Popen(
        command, env=_ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def _ended(process: "subprocess.Popen[str]") -> str:
    said, _ = process.communicate(timeout=_PATIENCE_SECONDS)
    assert process.returncode == 0, said
    return said


@contextmanager
def _serving(store: Store, *arguments: str) -> Iterator[str]:
    port = free_port()
    process = _started(store, *arguments, "--host", "127.0.0.1", "--port", str(port))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=_PATIENCE_SECONDS)


def _ask(url: str, body: object = None) -> _Answer:
    content = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, content, {"Content-Type": "application/json"}), timeout=60) as answer:
        return _Answer(answer.headers["Content-Type"], answer.read())


def _answered(url: str) -> _Answer:
    """What the address says as soon as its server is up."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return _ask(url)
        except URLError:
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.2)


def _at(nanoseconds: int) -> str:
    return (datetime.fromtimestamp(nanoseconds / 1e9, tz=UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S")


def _latest(store: Store, one: FeatureVector) -> FeatureVector | None:
    return latest_vectors(open_store(store.directory.parent), [(one.node, one.domain)])[0]


def test_apply_registers_what_the_release_says_and_deletes_nothing(store: Store) -> None:
    wanted = definitions_of(store.directory, store.feast.config)
    older = definitions_of(store.directory, store.feast.config).views.labels
    older.description = "as an earlier release had it"
    store.feast.apply(older)
    said = _ended(_started(store, "apply"))
    assert "Deleted" not in said
    registered = {view.name: view for view in open_store(store.directory.parent).feast.list_all_feature_views()}
    assert [registered[view.name] for view in wanted.views] == list(wanted.views)


def test_materialize_and_materialize_incremental_fill_a_lost_online_store(store: Store, recent: FeatureVector) -> None:
    assert _latest(store, OLD) is None
    incremental = _started(store, "materialize-incremental", "--views", VIEW_NAME, _at(time.time_ns()))
    whole = _started(store, "materialize", _at(DAY_START_NS - SECOND_NS), _at(OLD.window_end_ns))
    _ended(incremental)
    _ended(whole)
    assert _latest(store, recent) == recent
    assert _latest(store, OLD) == OLD
    assert latest_profile(open_store(store.directory.parent), "upf") == profile("upf", 5)


def test_serve_answers_for_a_domain_and_ui_shows_its_page(store: Store) -> None:
    with _serving(store, "serve", "--no-access-log") as features, _serving(store, "ui") as page:
        _answered(f"{features}/health")
        asked = {
            "feature_service": REGIME_SERVICE_NAME,
            "entities": {"node": [ONLINE.node, "nobody"], "domain": [ONLINE.domain] * 2},
        }
        found = _ask(f"{features}/get-online-features", asked).json
        columns = dict(zip(found["metadata"]["feature_names"], found["results"], strict=True))
        values = from_json_values([columns[name]["values"][0] for name in FEATURE_SCHEMA_V1.names])
        assert np.array_equal(values, ONLINE.values, equal_nan=True)
        assert columns["present_features"]["values"] == [ONLINE.present_count, 0]
        assert columns["judged"]["values"] == [True, False]
        assert columns["window_start_ns"]["values"] == [ONLINE.window_start_ns, None]

        shown = _answered(page)
        assert shown.type.startswith("text/html")
        assert b"Feast" in shown.body
        views = {
            view["spec"]["name"] for view in _ask(f"{page}/api/v1/feature_views?project=leeward").json["featureViews"]
        }
        assert {VIEW_NAME, PROFILE_NAME} <= views
