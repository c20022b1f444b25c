"""Brings the model server's champion into the state directory, where ``agent.champion_model`` picks it up."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Thread

from agent import log
from agent.backoff import Backoff
from agent.errors import UnreachableError
from agent.http_client import Server
from agent.model_client import DeclinedError, ModelClient
from agent.troubles import Troubles
from serving.bundle_archive import unpack_archive
from serving.bundle_directory import read_bundle
from serving.champion import (
    Champion,
    adopt_champion,
    bundle_place,
    prune_bundles,
    read_champion,
    sweep_unfinished,
    unfinished_bundle,
)
from serving.errors import BundleError, TornBundleError

NOT_REACHED = "model-server-unreachable"
NOBODY_PROMOTED = "nobody-promoted"
NOT_ACCEPTED = "sent-model-refused"
NOT_STORED = "model-not-stored"
TROUBLES = (NOT_REACHED, NOBODY_PROMOTED, NOT_ACCEPTED, NOT_STORED)
"""What can be amiss on a model's way to the node."""
ENDED = "model-fetch-ended"
"""The trouble, until the agent starts anew, of a thread that died of a defect."""

JITTER = 0.1
"""A wait is longer or shorter than the setting by up to this share: nodes that started together drift apart."""

_FIRST_RETRY_SECONDS = 5.0
_LONGEST_RETRY_SECONDS = 600.0
_ENDS_WITHIN_SECONDS = 0.5
"""A request under way may take longer; the thread is then left to die with the process, and what it had begun to write
is swept by the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchFigures:
    """What came of asking, since the start.

    Attributes:
        asked: questions to the model server.
        unchanged: of these, answered with "304 Not Modified".
        fetched: bundles that came over the network and were accepted.
        failed: questions that came to nothing.
    """

    asked: int = 0
    unchanged: int = 0
    fetched: int = 0
    failed: int = 0


class ModelFetch:
    """Asks now and then, in a thread of its own; the state directory is one agent's alone.

    Args:
        server: the model server.
        state: the state directory, which exists.
        troubles: is told what is amiss.
        poll_seconds: between two questions, above zero.
        share: draws from 0 (inclusive) to 1.
    """

    def __init__(
        self,
        server: Server,
        state: Path,
        *,
        troubles: Troubles,
        poll_seconds: float = 60.0,
        share: Callable[[], float] = random.random,
    ) -> None:
        self._client = ModelClient(server)
        self._state = state
        self._troubles = troubles
        self._poll_seconds = poll_seconds
        self._share = share
        self._backoff = Backoff(first_seconds=_FIRST_RETRY_SECONDS, longest_seconds=_LONGEST_RETRY_SECONDS, share=share)
        self._verified_digest: str | None = None
        self._figures = FetchFigures()
        self._stop = Event()
        self._thread = Thread(target=self._keep_asking, name="model-fetch", daemon=True)

    @property
    def figures(self) -> FetchFigures:
        """What came of it so far."""
        return self._figures

    def start(self) -> None:
        """Begin; called once."""
        self._thread.start()

    def close(self) -> None:
        """End within half a second."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=_ENDS_WITHIN_SECONDS)

    def first_wait_seconds(self) -> float:
        """Clear away what a killed agent left; how long to wait before the first question.

        With a model at hand there is no hurry, and a whole cluster may be starting.
        """
        try:
            sweep_unfinished(self._state)
            return self._poll_seconds * self._share() if self._at_hand() else 0.0
        except OSError as error:
            self._tell(NOT_STORED, f"{self._state} can't be looked through: {error}; see who may write there")
            return 0.0

    def ask(self) -> float:
        """Ask the server once, and take over what it names.

        Returns:
            How many seconds to wait before the next time.
        """
        self._count(asked=1)
        try:
            self._take_over()
        except UnreachableError as error:
            asked = error.asked_seconds if isinstance(error, DeclinedError) else None
            return self._failed(NOT_REACHED, str(error), asked_seconds=asked)
        except BundleError as error:
            return self._failed(NOT_ACCEPTED, f"{error} (from {self._client.url}; the model before stays)")
        except OSError as error:
            return self._failed(NOT_STORED, f"model can't be stored: {error}; make room in {self._state}")
        self._backoff.succeeded()
        return self._poll_seconds * (1.0 + JITTER * (2.0 * self._share() - 1.0))

    def _keep_asking(self) -> None:
        try:
            wait_seconds = self.first_wait_seconds()
            while not self._stop.wait(wait_seconds):
                wait_seconds = self.ask()
        finally:
            self._client.close()
            if not self._stop.is_set():
                self._troubles.tell(ENDED, "the thread that fetches models has died, see the log: restart the agent")

    def _take_over(self) -> None:
        before = self._at_hand()
        named = self._client.champion(known_digest=before.digest if before else None)
        if named.is_known:
            self._count(unchanged=1)
        elif named.champion is None:
            serving = f"bundle {before.digest} serves on" if before else "every regime is unknown"
            self._tell(
                NOBODY_PROMOTED,
                f"model server {self._client.url} names no champion: train a model and promote it ({serving})",
            )
            return
        elif before is None or named.champion.digest != before.digest:
            self._install(named.champion)
            prune_bundles(self._state, keep={each.digest for each in (named.champion, before) if each})
        self._clear(*TROUBLES)

    def _at_hand(self) -> Champion | None:
        """The champion that is whole on this disk; a bundle is looked through once, then only for being there."""
        try:
            champion = read_champion(self._state)
        except BundleError:
            return None
        if champion is None:
            return None
        place = bundle_place(self._state, champion.digest)
        if champion.digest != self._verified_digest or not place.is_dir():
            if not _is_whole(place, champion.digest):
                return None
            self._verified_digest = champion.digest
        return champion

    def _install(self, champion: Champion) -> None:
        place = bundle_place(self._state, champion.digest)
        if _is_whole(place, champion.digest):
            self._adopt(champion, place)
            return
        archive = self._client.archive(champion.digest)
        with unfinished_bundle(self._state) as directory:
            unpack_archive(archive, directory, expected_digest=champion.digest)
            self._adopt(champion, directory)
        self._count(fetched=1)
        log.info("model-fetched", digest=champion.digest, version=champion.version, bytes=len(archive))

    def _adopt(self, champion: Champion, directory: Path) -> None:
        """It is tried before it is named: a restart must not find a champion that does not run."""
        from serving.regime_model import RegimeModel  # noqa: PLC0415 - ONNX Runtime, which only a model needs

        RegimeModel(read_bundle(directory, expected_digest=champion.digest))
        adopt_champion(self._state, directory, model=champion.model, version=champion.version, digest=champion.digest)
        self._verified_digest = champion.digest

    def _failed(self, trouble: str, sentence: str, *, asked_seconds: float | None = None) -> float:
        self._count(failed=1)
        self._tell(trouble, sentence)
        return self._backoff.failed(asked_seconds=asked_seconds)

    def _tell(self, trouble: str, sentence: str) -> None:
        """What came of the last question, and of no earlier one."""
        self._clear(*(name for name in TROUBLES if name != trouble))
        self._troubles.tell(trouble, sentence)

    def _clear(self, *names: str) -> None:
        for name in names:
            self._troubles.clear(name)

    def _count(self, *, asked: int = 0, unchanged: int = 0, fetched: int = 0, failed: int = 0) -> None:
        now = self._figures
        self._figures = replace(
            now,
            asked=now.asked + asked,
            unchanged=now.unchanged + unchanged,
            fetched=now.fetched + fetched,
            failed=now.failed + failed,
        )


def _is_whole(place: Path, digest: str) -> bool:
    """Whether a bundle's bytes are right; one of other contracts would not be better for being fetched again."""
    try:
        read_bundle(place, expected_digest=digest)
    except BundleError as error:
        return not isinstance(error, TornBundleError)
    return True
