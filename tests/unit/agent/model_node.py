"""A node that fetches its model: a state directory of its own, and what is amiss with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.champion_model import ChampionModel
from agent.http_client import Server
from agent.model_fetch import ModelFetch
from agent.troubles import Troubles

POLL_SECONDS = 60.0


class Node:
    """One node's state directory, and what fetches into it."""

    def __init__(self, state: Path, url: str) -> None:
        state.mkdir(parents=True, exist_ok=True)
        self.state = state
        self.troubles = Troubles()
        self.fetch = ModelFetch(
            Server(url=url), state, troubles=self.troubles, poll_seconds=POLL_SECONDS, share=lambda: 0.5
        )

    @property
    def digest(self) -> str | None:
        """Of the model that judges after a look."""
        model = ChampionModel(self.state)
        model.refresh()
        return model.digest

    @property
    def amiss(self) -> list[str]:
        return [trouble.name for trouble in self.troubles.present]

    def files(self) -> set[str]:
        return {str(path.relative_to(self.state)) for path in self.state.rglob("*")}


@contextmanager
def started(node: Node) -> Iterator[None]:
    """Its thread asks meanwhile."""
    node.fetch.start()
    try:
        yield
    finally:
        node.fetch.close()
