"""Everything around one agent goes wrong at once, at random; then all is well again, and so is the agent."""

import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event, Thread
from threading import enumerate as threads
from typing import Any

import pytest

from agent.backoff import Backoff
from agent.champion_model import ChampionModel
from agent.delivery import Delivery
from agent.figures import Figures
from agent.http_client import HttpClient, Server
from agent.ingest_answer import Pace
from agent.model_fetch import ModelFetch
from agent.outlet import Outlet
from agent.pacing import Pacing
from agent.pod_cgroups import PodCgroups
from agent.pods import PodWatch
from agent.publish_api import ApiPublisher
from agent.run import Agent, Surroundings
from agent.sampling import beats_of
from agent.sd_notify import Supervisor
from agent.settings import AgentSettings
from agent.sources.perf import PerfSource
from agent.sources.registry import Origin
from agent.sources.resctrl import ResctrlSource
from agent.sources.uncore import UncoreSource
from agent.spool import Spool
from agent.topology_sysfs import read_topology
from agent.troubles import LOGGED_AGAIN_SECONDS, Troubles
from contracts.nodestate import ConditionType
from contracts.vector import from_json
from serving.bundle_archive import archive_of
from serving.bundle_directory import write_bundle
from serving.champion import Champion
from serving.model_wire import CHAMPION_PATH, archive_path
from tests.unit.agent.api_server import Api, Manner, api_server
from tests.unit.agent.cgroup_fixture import LAYOUTS, POD_A, POD_B, CgroupFixture
from tests.unit.agent.fabricated_node import Node
from tests.unit.agent.ingest_server import IngestServer, Reply, ingest_server
from tests.unit.agent.logged import logged_events
from tests.unit.agent.machine_tree import add_resctrl
from tests.unit.agent.test_model_client import Script, misbehaving
from tests.unit.agent.test_publish_api import server_of
from tests.unit.agent.test_run import Clock
from tests.unit.live_server import eventually
from tests.unit.serving.small_bundle import PROFILES, graphs, manifest

STORM_SECONDS = 4.0
INGEST_REPLIES = (
    *(Reply(),) * 4,
    Reply(refused={0: "no"}),
    Reply(body=b"hm"),
    *(Reply(status=status) for status in (302, 400, 401, 409, 410, 413, 429, 500, 503)),
    Reply(status=400, body=b"<html>"),
    Reply(status=503, headers={"Date": "Mon, 01 Jan 2024 00:00:00 +99999999999999999999", "Retry-After": "0"}),
)


class Impatient(Event):
    """Looks again at once where an agent would wait for seconds."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(min(timeout or 0.0, 0.02))


@dataclass(frozen=True)
class Around:
    """What the agent has to do with, and what can become of it."""

    node: Node
    cgroups: CgroupFixture
    api: Api
    ingest: IngestServer
    models: Script
    archives: dict[Champion, bytes]
    chance: random.Random

    def storm(self) -> None:
        """Something else goes wrong everywhere."""
        chance, roots = self.chance, self.node.roots
        self.api.manner = chance.choice([*Manner])
        self.api.released.set()
        self.api.refusals[:] = [(chance.choice([401, 404, 409, 422, 429, 503]), b"no")] * chance.randint(0, 1)
        self.ingest.reply = lambda _: chance.choice(INGEST_REPLIES)
        self._name(chance.choice(list(self.archives)), damage=chance.choice([0, 1, 5000]))
        self.models.status = chance.choice([200, 200, 200, 404, 503])
        (roots.sys / "devices/system/cpu/online").write_text(chance.choice(["0-7", "0-6", "0-3,5-7", "", "junk"]))
        (self.cgroups.kubepods / "cpuset.cpus.effective").write_text(chance.choice(["0-7", "rubbish"]))
        with suppress(FileNotFoundError):
            self.cgroups.remove_pod(POD_B, "guaranteed")
        if chance.random() < 0.5:
            self.cgroups.add_pod(POD_B, "guaranteed", "4-5")
        shutil.rmtree(roots.resctrl / chance.choice(["group", "mon_data"]), ignore_errors=True)
        add_resctrl(roots, "group", occupancy=chance.choice(["1", "Unavailable", ""]), total="Error")

    def calm(self) -> None:
        """All is well."""
        self.api.manner = Manner.WELL
        self.api.refusals.clear()
        self.ingest.reply = lambda _: Reply()
        self.models.status = 200
        self._name(next(iter(self.archives)), damage=0)
        (self.node.roots.sys / "devices/system/cpu/online").write_text("0-7")
        (self.cgroups.kubepods / "cpuset.cpus.effective").write_text("0-7")
        for domain in ("mon_L3_00", "mon_L3_01"):
            for group in ("", "group"):
                add_resctrl(self.node.roots, group, domain=domain)

    def _name(self, champion: Champion, *, damage: int) -> None:
        archive = bytearray(self.archives[champion])
        for _ in range(damage):
            archive[self.chance.randrange(len(archive))] ^= 1 << self.chance.randrange(8)
        self.models.bodies = {CHAMPION_PATH: champion.to_json(), archive_path(champion.digest): bytes(archive)}


@contextmanager
def surroundings(tmp_path: Path) -> Iterator[Around]:
    archives = {}
    for version in ("1", "2"):
        made = tmp_path / f"made-{version}"
        digest = write_bundle(made, manifest=manifest(version=version), graphs=graphs(), profiles=PROFILES)
        archives[Champion(model="leeward", version=version, digest=digest)] = archive_of(made)
    node = Node(tmp_path / "node")
    node.fake.ns_a_read = 1000
    node.settings.state_directory.mkdir()
    cgroups = LAYOUTS["systemd-v2"].build(node.roots.cgroup)
    cgroups.add_pod(POD_A, "burstable", "0-3")
    with api_server(tmp_path / "account") as api, ingest_server() as ingest, misbehaving() as models:
        around = Around(node, cgroups, api, ingest, models, archives, random.Random(1))
        around.calm()
        yield around


class Whole:
    """An agent with all its parts, in threads of the test's; waits after failures are short."""

    def __init__(self, around: Around, account: Path) -> None:
        self.troubles, self.figures, self.stop = Troubles(), Figures(), Impatient()
        self.node, settings, self.clock = around.node, around.node.settings, Clock()
        self.publisher = ApiPublisher(server_of(around.api.port, account), timeout_seconds=1.0)
        pacing = Pacing(node="node-1", heartbeat_seconds=0.05)
        self.outlet = Outlet(self.publisher, pacing=pacing, troubles=self.troubles, share=lambda: 0.001)
        self.delivery = Delivery(
            Spool(settings.state_directory / "spool", troubles=self.troubles),
            client=HttpClient(Server(url=around.ingest.url)),
            troubles=self.troubles,
            node="node-1",
            interval_seconds=0.02,
            paces={pace: Backoff(first_seconds=0.01, longest_seconds=0.05) for pace in Pace},
        )
        self.fetch = ModelFetch(
            Server(url=around.models.url),
            settings.state_directory,
            troubles=self.troubles,
            poll_seconds=0.05,
            share=lambda: 0.001,
        )
        self.model = ChampionModel(settings.state_directory, troubles=self.troubles)
        self.agent = Agent(
            settings,
            Surroundings(
                outlet=self.outlet,
                model=self.model,
                troubles=self.troubles,
                figures=self.figures,
                supervisor=Supervisor(),
                pods=PodWatch(PodCgroups(around.node.roots.cgroup), self.troubles),
                sink=self.delivery,
                origin_of=self._origin,
            ),
            monotonic=self.clock,
        )

    def _origin(self, settings: AgentSettings) -> Origin:
        topology, kernel = read_topology(settings.roots), self.node.fake.kernel
        sources = (
            PerfSource(topology=topology, settings=settings, kernel=kernel),
            UncoreSource(topology=topology, settings=settings, kernel=kernel),
            ResctrlSource(topology=topology, settings=settings),
        )
        return Origin(settings=settings, topology=topology, sources=sources, beats=partial(beats_of, settings))

    @contextmanager
    def running(self) -> Iterator[Thread]:
        loop = Thread(target=self.agent.run, args=(self.stop,), name="loop")
        self.delivery.start()
        self.fetch.start()
        loop.start()
        try:
            yield loop
        finally:
            self.stop.set()
            loop.join(30.0)
            for part in (self.outlet, self.delivery, self.fetch, self.publisher):
                part.close()


@pytest.mark.slow
def test_it_outlives_a_storm_and_is_well_afterwards(tmp_path: Path) -> None:
    with surroundings(tmp_path) as around, logged_events() as events:
        agent = Whole(around, tmp_path / "account")
        with agent.running() as loop:
            begun = time.monotonic()
            while time.monotonic() - begun < STORM_SECONDS:
                around.storm()
                time.sleep(around.chance.uniform(0.02, 0.1))
                assert loop.is_alive()
            stormed = agent.figures.snapshot()
            around.calm()
            agent.clock.pass_an_hour()
            eventually(lambda: agent.troubles.present == (), seconds=60.0)
            champion = next(iter(around.archives))
            eventually(lambda: agent.model.digest == champion.digest)
            eventually(lambda: agent.delivery.figures().spool.waiting < 10)
            windows = agent.figures.snapshot().windows
            eventually(lambda: agent.figures.snapshot().windows > windows)
            eventually(lambda: _degraded(around.api) == "AllWell")
            seconds = time.monotonic() - begun
            assert {thread.name for thread in threads()} >= {"loop", "publish", "delivery", "model-fetch"}
        assert not loop.is_alive()
    assert stormed.windows > 10
    assert {"publish-failed", "pods-unreadable", "topology-unreadable"} <= agent.troubles.counts.keys()
    assert any(name.startswith("ingest-") for name in agent.troubles.counts)
    said = {_reason(request.body["status"]) for request in around.api.requests if "status" in request.body}
    assert len(said) > 2, "the NodeState says what is amiss"
    logged = Counter(event.name for event in events)
    most = 1 + seconds / LOGGED_AGAIN_SECONDS
    assert all(logged[name] <= most for name in agent.troubles.counts)
    assert logged["counting"] <= 2 + seconds / around.node.settings.window_seconds
    assert around.node.fake.open_counters == {}
    assert agent.delivery.figures().spool.dropped == 0
    received = list(dict.fromkeys(from_json(line).window_start_ns for line in around.ingest.taken))
    assert received == sorted(received)


def _degraded(api: Api) -> str:
    return _reason(api.objects["node-1"]["status"])


def _reason(status: dict[str, Any]) -> str:
    return next(str(each["reason"]) for each in status["conditions"] if each["type"] == ConditionType.DEGRADED)
