"""An extender that has something to say: a champion, three nodes, and residents, one of whom demands its tolerance."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scheduler_extender.main import build_extender, server_of
from scheduler_extender.service import Answer, Extender
from scheduler_extender.settings import ExtenderSettings
from serving.champion import install_champion
from tests.fuzz.bodies import LIMIT_BYTES
from tests.fuzz.lawful import VERBS, refuse_unlawful
from tests.unit.live_server import running
from tests.unit.scheduler_extender import small_cluster, xgboost_bundle
from tests.unit.scheduler_extender.asking import Client
from tests.unit.scheduler_extender.small_cluster import MEDIUM, PRESSED, QUIET, node_state, pod_object

SETTINGS = ExtenderSettings(body_limit_bytes=LIMIT_BYTES, budget_seconds=60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Asks one extender.

    Attributes:
        extender: who answers in the end.
        answer: verb and body to what comes back.
    """

    extender: Extender
    answer: Callable[[str, bytes], Answer]

    def ask(self, body: bytes) -> None:
        """Ask for all three verbs.

        Raises:
            AssertionError: an answer is unlawful, or something failed behind it.
        """
        for verb in VERBS:
            refuse_unlawful(verb, body, self.answer(verb, body))
            assert self.extender.metrics.value("failures_total", verb=verb) == 0, "it was answered neutrally"

    def statuses(self) -> dict[int, int]:
        """How many requests were answered with which status."""
        return {
            status: sum(
                int(self.extender.metrics.value("requests_total", verb=verb, status=str(status))) for verb in VERBS
            )
            for status in (200, 400, 413)
        }


def fill(directory: Path) -> Path:
    """Write a state directory into a directory, and say where it is."""
    state, made = directory / "state", directory / "made"
    demanding = {"leeward.dev/max-slowdown": "1.05", "leeward.dev/enforcement": "required"}
    small_cluster.publish(
        state, node_state("spr-0001", PRESSED), node_state("spr-0002", MEDIUM, QUIET), node_state("spr-0003", QUIET)
    )
    small_cluster.place(
        state,
        pod_object("resident-1", node="spr-0002", annotations=demanding),
        pod_object("resident-2", node="spr-0003", profile="transcode"),
    )
    digest = xgboost_bundle.write(made, xgboost_bundle.graph_files(seed=1, trees=5), version="1")
    install_champion(state, made, model="leeward", version="1", digest=digest)
    return state


def in_process(state: Path) -> Asker:
    """Asks without HTTP."""
    extender = _extender(state)
    verbs = {"filter": extender.filter, "prioritize": extender.prioritize, "explain": extender.explain}
    return Asker(extender=extender, answer=lambda verb, body: verbs[verb](body))


@contextmanager
def over_http(state: Path) -> Iterator[Asker]:
    """Asks a real server on loopback."""
    extender = _extender(state)
    with running(server_of(extender, state)) as port:
        client = Client(port)

        def answer(verb: str, body: bytes) -> Answer:
            found = client.answered("POST", f"/{verb}", body)
            return Answer(content=found.content, status=found.status)

        yield Asker(extender=extender, answer=answer)


def _extender(state: Path) -> Extender:
    return build_extender(state, SETTINGS, clock=lambda: small_cluster.NOW)
