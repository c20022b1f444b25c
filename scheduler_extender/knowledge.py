"""What an extender knows: the cluster, the champion, the workloads; and what it predicts from these."""

from collections.abc import Mapping
from datetime import datetime

from contracts.errors import ContractError
from contracts.profile import WorkloadProfile
from scheduler_extender import log
from scheduler_extender.health import Health
from scheduler_extender.intake import News
from scheduler_extender.journal import Journal
from scheduler_extender.kept import Forecasts
from scheduler_extender.observations import Counting, Observations
from scheduler_extender.pod import NODE_NAME
from scheduler_extender.settings import ExtenderSettings
from scheduler_extender.sources import Champion
from scheduler_extender.standing import NOT_BELIEVED, Standing, counted
from scheduler_extender.view import ClusterView
from serving.profile_book import ProfileBook


class Knowledge:
    """Takes news over; what is refused changes nothing of what is known.

    Attributes:
        view: the cluster.
        champion: who predicts, ``None`` where nobody does.
        forecasts: predictions, ``None`` where there are none.
    """

    def __init__(self, settings: ExtenderSettings, journal: Journal) -> None:
        self.view = ClusterView(settings.leeward_policy)
        self.champion: Champion | None = None
        self.forecasts: Forecasts | None = None
        self._settings = settings
        self._journal = journal
        self._profiles: dict[str, WorkloadProfile] = {}
        self._observations = Observations()
        self._counting = Counting(margins={}, set_aside=())
        self._champion_refused = ""
        self._registry_complaint = ""
        self._profiles_complaint = ""
        self._api_server_complaint = ""
        self._refreshed: datetime | None = None

    def take_over(self, news: News, *, now: datetime) -> None:
        """Let news count from now on."""
        for profile in news.profiles.changed:
            self._profiles.pop(profile.name, None)
            if profile.value is not None:
                self._profiles[profile.name] = profile.value
        for observed in news.observed.changed:
            self._observations.take_over(observed)
        self._take_cluster_over(news)
        for refusal in news.refused:
            self._journal.metrics.count("files_refused_total")
            self._journal.once("file-refused", refusal.sentence)
        if news.champion_refused:
            self._refuse_champion(news.champion_refused)
        self._predict_by(news)
        self._refreshed = now

    def heard_from_registry(self, complaint: str) -> None:
        """Note what the registry of models said last; empty where all is well."""
        self._registry_complaint = complaint
        if complaint:
            self._journal.metrics.count("registry_failures_total")
            self._journal.once("registry-failed", complaint)

    def heard_from_feature_store(self, complaint: str) -> None:
        """Note what the feature store said last when it was asked for profiles; empty where all is well."""
        self._profiles_complaint = complaint
        if complaint:
            self._journal.metrics.count("profile_failures_total")
            self._journal.once("profiles-failed", complaint)

    def heard_from_api_server(self, complaint: str) -> None:
        """Note why the API server can't be followed at present; empty where all is well."""
        if complaint and complaint != self._api_server_complaint:
            self._journal.metrics.count("api_server_failures_total")
            self._journal.once("api-server-failed", complaint)
        self._api_server_complaint = complaint

    def standings(self, now: datetime) -> Mapping[Standing, int]:
        """How many nodes there are of each standing, see ``scheduler_extender.standing.counted``."""
        return counted(self.view, now=now, policy=self._settings.leeward_policy)

    def health(self, now: datetime) -> Health:
        """What is stood on."""
        rows, seconds = self.view.rows, now.timestamp()
        present, standings = rows[rows["own"]], self.standings(now)
        champion, forecasts = self.champion, self.forecasts
        return Health(
            mode="neutral" if forecasts is None else "scoring",
            champion="" if champion is None else champion.digest,
            champion_version="" if champion is None else champion.version,
            champion_refused=self._champion_refused,
            registry_complaint=self._registry_complaint,
            profiles_complaint=self._profiles_complaint,
            simulated=champion is not None and champion.simulated,
            nodes=sum(standings.values()) - standings[Standing.ABSENT] - standings[Standing.FORMER],
            nodes_not_believed=sum(standings[standing] for standing in NOT_BELIEVED),
            pods=len(self.view.pods),
            workloads=0 if forecasts is None else len(forecasts.book),
            workloads_observed=len(self._counting.margins),
            observations_set_aside=len(self._counting.set_aside),
            oldest_state_seconds=float(seconds - present["oldest"].min()) if len(present) else None,
            refreshed_seconds_ago=None if self._refreshed is None else seconds - self._refreshed.timestamp(),
        )

    def _take_cluster_over(self, news: News) -> None:
        for node in news.nodes.changed:
            self.view.set_node(node.name, node.value)
            if node.value is not None and node.value.complaint:
                self._journal.once("label-refused", f"node {node.name}: {node.value.complaint}")
        for pod in news.pods.changed:
            self.view.set_pod(pod.name, pod.value)
        for state in news.node_states.changed:
            self.view.set_state(state.name, state.value)
        for refusal in news.node_states.refused:
            if NODE_NAME.fullmatch(refusal.name):
                self.view.refuse_state(refusal.name, refusal)

    def _predict_by(self, news: News) -> None:
        if news.champion is not None:
            self._use(news.champion)
        elif self.champion is None or self.forecasts is None:
            return
        elif news.profiles.changed:
            self._use(self.champion)
        elif news.observed.changed:
            self.forecasts.observe(self._let_observations_count(self.champion, self.forecasts.book))

    def _use(self, champion: Champion) -> None:
        profiles = sorted([*champion.profiles, *self._profiles.values()], key=lambda profile: profile.last_seen)
        try:
            book = ProfileBook(profiles)
        except ContractError as error:
            self._refuse_champion(f"champion {champion.digest} is refused: {error}")
            return
        if champion is not self.champion:
            self._journal.metrics.count("champions_total")
            self._champion_refused = ""
            log.info("champion-in-use", digest=champion.digest, version=champion.version)
        self.champion = champion
        self._let_observations_count(champion, book)
        if self.forecasts is None:
            self.forecasts = Forecasts(champion=champion, book=book, view=self.view, settings=self._settings)
        else:
            self.forecasts.use(champion, book)

    def _let_observations_count(self, champion: Champion, book: ProfileBook) -> frozenset[str]:
        """Returns the keys of the workloads that have another margin in the book now."""
        self._counting = self._observations.counting(champion, book)
        if complaint := self._counting.complaint(champion):
            self._journal.once("observations-set-aside", complaint)
        return book.let_own_count(self._counting.margins)

    def _refuse_champion(self, sentence: str) -> None:
        self._journal.metrics.count("champions_refused_total")
        self._champion_refused = sentence
        serving = "nobody: all nodes score alike" if self.champion is None else self.champion.digest
        log.warning("champion-refused", reason=sentence, serving=serving)
