"""One model in the extender's own hands: it takes over what the recording tells, and judges a pod's nodes.

What the extender does besides is left out on purpose: it has a budget of time, answers neutrally where that is used up
or where a pod is only looked at, and speaks HTTP.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from eval.replay.errors import RecordingError
from scheduler_extender import directory
from scheduler_extender.intake import News
from scheduler_extender.journal import Journal
from scheduler_extender.knowledge import Knowledge
from scheduler_extender.pod import Pod
from scheduler_extender.settings import ExtenderSettings
from scheduler_extender.verdict import Verdict, verdict_on
from serving.bundle_directory import Bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedModel:
    """A bundle that is asked.

    Attributes:
        name: for people, another for each.
        bundle: verified.
    """

    name: str
    bundle: Bundle


class Judge:
    """A model, and all that an extender with it would know.

    Args:
        model: the bundle.
        state: with profiles and observations, as they are now.
        settings: of the extender.

    Raises:
        BundleError: the bundle can't bound slowdowns.
        RecordingError: it knows no workload.
    """

    def __init__(self, model: ReplayedModel, *, state: Path, settings: ExtenderSettings) -> None:
        self.model = model
        self._settings = settings
        self._knowledge = Knowledge(settings, Journal())
        news = News(
            champion=directory.champion_of(model.bundle),
            profiles=directory.profiles(state).changes(),
            observed=directory.observed(state).changes(),
        )
        self._knowledge.take_over(news, now=model.bundle.manifest.created)
        if self._knowledge.forecasts is None:
            raise RecordingError(f"{model.name} knows no workload at all: train it on traces that have profiles")

    def take_over(self, news: News, *, now: datetime) -> None:
        """Let news of the cluster count from now on."""
        self._knowledge.take_over(news, now=now)

    def verdict(self, pod: Pod, nodes: Sequence[str], *, now: datetime) -> Verdict:
        """On a pod that waits, with everything computed anew that is out of date.

        Args:
            pod: as it was bound; where to is left out of account.
            nodes: that are asked about; scores are relative to the best of these.
            now: UTC.
        """
        waiting = replace(pod, node="", started=None, finished=False)
        view, forecasts = self._knowledge.view, self._knowledge.forecasts
        assert forecasts is not None
        rows = view.lookup(nodes)
        kept = forecasts.kept(forecasts.book.of(waiting.key), waiting.exclusive_cpus)
        forecasts.bring_up_to_date(kept, rows[rows >= 0])
        return verdict_on(nodes, rows, pod=waiting, kept=kept, view=view, now=now, policy=self._settings.leeward_policy)
