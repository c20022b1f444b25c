"""The extender itself, without HTTP: its answers.

One thread uses an ``Extender``, so nothing is locked. Only ``news`` may run in another one, beside the requests.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
import numpy as np

from scheduler_extender import log
from scheduler_extender.decisions import Decisions, DecisionWriter
from scheduler_extender.errors import ArgsError
from scheduler_extender.explanation import Explanation, NodeExplanation, domains_of, parties_of
from scheduler_extender.gauges import gauges_of
from scheduler_extender.health import Health
from scheduler_extender.intake import Intake, News
from scheduler_extender.journal import Journal
from scheduler_extender.kept import KeptWorkload
from scheduler_extender.knowledge import Knowledge
from scheduler_extender.metrics import Metrics
from scheduler_extender.party_bounds import PartyBound, party_bounds
from scheduler_extender.pod import Pod
from scheduler_extender.pod_report import PodReport, encode_report
from scheduler_extender.policy import LeewardPolicy
from scheduler_extender.scoring import NEUTRAL_LOW
from scheduler_extender.settings import ExtenderSettings
from scheduler_extender.sources import Change
from scheduler_extender.standing import STANDINGS
from scheduler_extender.verdict import Verdict, verdict_on
from scheduler_extender.view import IndexArray, each_once
from scheduler_extender.wire import (
    Args,
    encode_filter,
    encode_no_binding,
    encode_priorities,
    encode_refusal,
    parse_args,
    refuse_foreign_names,
    refuse_repeats,
)

Clock = Callable[[], datetime]
"""UTC now."""

T = TypeVar("T")

_NO_BINDING = "Leeward binds no pods: take bindVerb out of its entry in the scheduler's configuration"
_NAMES_SHOWN = 5
_LONGEST_NAME = 317
"""A namespace of 63 characters, a slash, and a name of 253."""


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request is answered.

    Attributes:
        content: JSON.
        status: of HTTP.
        warning: one sentence on what in the request could be answered but should be looked at; empty where all is well.
    """

    content: bytes
    status: int = 200
    warning: str = ""


class Extender:
    """Answers kube-scheduler from what its sources say.

    Args:
        intake: where states, pods, profiles and the champion come from; asked by ``refresh``.
        settings: of the operator.
        clock: UTC now; the evaluation hands in its own.
    """

    def __init__(self, *, intake: Intake, settings: ExtenderSettings, clock: Clock = utc_now) -> None:
        self.settings = settings
        self._intake = intake
        self._clock = clock
        self._journal = Journal()
        self._knowledge = Knowledge(settings, self._journal)
        self._decisions = Decisions(self._knowledge.view)

    @property
    def metrics(self) -> Metrics:
        """What was counted."""
        return self._journal.metrics

    def refresh(self) -> None:
        """Ask the sources, and take over what they say."""
        self.take_over(self.news())

    def news(self) -> News:
        """What the sources say is new; may run in another thread, one call at a time."""
        return self._intake.news()

    def take_over(self, news: News) -> None:
        """Let news count from now on."""
        placed = [pod.value for pod in news.pods.changed if pod.value is not None and pod.value.node]
        before = {pod.uid: self._bounds_before(pod) for pod in placed if self._decisions.awaits(pod.uid)}
        self._knowledge.take_over(news, now=self._clock())
        for pod in news.pods.changed:
            self._follow_decision(pod, before)

    def write_decisions(self, writer: DecisionWriter) -> None:
        """Write down what became of pods; may run in another thread, one call at a time."""
        try:
            self._decisions.write(writer)
        except OSError as error:
            self.metrics.count("decision_failures_total")
            self._journal.once("decisions-not-written", f"decisions can't be written: {error.strerror}")

    def heard_from_registry(self, complaint: str | None) -> None:
        """Take note of why the registry of models could not be followed; ``None`` where it could."""
        self._knowledge.heard_from_registry(complaint or "")

    def heard_from_feature_store(self, complaint: str | None) -> None:
        """Take note of why the feature store's profiles could not be followed; ``None`` where they could."""
        self._knowledge.heard_from_feature_store(complaint or "")

    def heard_from_api_server(self, complaint: str) -> None:
        """Take note of why the API server can't be followed at present; empty where it can."""
        self._knowledge.heard_from_api_server(complaint)

    def settle(self) -> bool:
        """Compute a little of what is out of date, ahead of requests; a matter of milliseconds.

        Returns:
            Whether there may be more to do.
        """
        forecasts = self._knowledge.forecasts
        return forecasts is not None and self._safely("settle", forecasts.settle, lambda: False)

    def filter(self, body: bytes, arrived: float | None = None) -> Answer:
        """Answer ``ExtenderArgs`` with an ``ExtenderFilterResult``.

        Args:
            body: of the request.
            arrived: when its head did, of ``time.perf_counter``: its budget runs from then on; from now where absent.
        """
        return self._answered("filter", body, self._filtered, arrived=arrived)

    def prioritize(self, body: bytes, arrived: float | None = None) -> Answer:
        """Answer ``ExtenderArgs`` with a ``HostPriorityList``; arguments as of ``filter``."""
        return self._answered("prioritize", body, self._prioritized, arrived=arrived)

    def explain(self, body: bytes, arrived: float | None = None) -> Answer:
        """Answer ``ExtenderArgs`` with an ``Explanation``; arguments as of ``filter``."""
        return self._answered("explain", body, self._explained, arrived=arrived)

    def bind(self, _: bytes) -> Answer:
        """Answer ``ExtenderBindingArgs``, whatever they say, with an ``ExtenderBindingResult`` that refuses.

        The status is 200: of any other answer kube-scheduler does not read the body (``send`` in its ``extender.go``).
        """
        self.metrics.count("requests_total", verb="bind", status="200")
        self._journal.once("binding-refused", _NO_BINDING)
        return Answer(content=encode_no_binding(_NO_BINDING))

    def refuse(self, verb: str, error: ArgsError) -> Answer:
        """Answer a request that can't be read."""
        self.metrics.count("requests_total", verb=verb, status=str(error.status))
        self._journal.once("request-refused", f"/{verb}: {error}")
        return Answer(content=encode_refusal(error), status=error.status)

    def scores(self, pod: Pod, node_names: Sequence[str]) -> dict[str, int]:
        """Scores of nodes for a pod, 0 to 10, however long it takes; errors come through."""
        verdict = self._judged(pod, node_names, self._knowledge.view.lookup(node_names))
        return dict(zip(node_names, verdict.scores.tolist(), strict=True))

    def explanation(self, pod: Pod, node_names: Sequence[str], *, shown: Collection[str] | None = None) -> Explanation:
        """Why nodes are scored as they are, however long it takes; errors come through.

        Args:
            pod: who would come.
            node_names: among which nodes, since scores are relative to the best.
            shown: those that are explained, all where absent.
        """
        rows = self._knowledge.view.lookup(node_names)
        verdict = self._judged(pod, node_names, rows)
        champion, forecasts, failed = self._knowledge.champion, self._knowledge.forecasts, verdict.failed()
        return Explanation(
            pod=pod.full_name,
            workload=pod.key,
            known=forecasts is not None and pod.key in forecasts.book,
            tolerance=verdict.tolerance,
            required=verdict.required,
            shadowed=self._policy.is_shadowed(pod),
            champion="" if champion is None else champion.digest,
            simulated=champion is not None and champion.simulated,
            complaints=pod.complaints,
            judged=len(node_names),
            failed=len(failed),
            nodes=tuple(
                self._explained_node(verdict, place, failed=failed.get(node, ""))
                for place, node in enumerate(node_names)
                if shown is None or node in shown
            ),
        )

    def explain_pod(self, full_name: str, nodes: Sequence[str] = ()) -> Answer:
        """Answer with a ``PodReport``; 404 for a pod that is not known.

        Args:
            full_name: namespace and name.
            nodes: to explain of a waiting pod; the best ones where none are named.
        """
        pod = self._knowledge.view.pod_named(full_name)
        if pod is None:
            return self.refuse("explain", ArgsError(f"no pod {full_name[:_LONGEST_NAME]} is known here", status=404))
        return self._safely("explain", lambda: self._reported(pod, nodes), _unexplained)

    def health(self) -> Health:
        """What the extender stands on."""
        return self._knowledge.health(self._clock())

    def exposition(self) -> str:
        """All metrics in Prometheus' text format."""
        return self.metrics.exposition(gauges_of(self.health(), self._knowledge.standings(self._clock())))

    def _answered(
        self, verb: str, body: bytes, answer: Callable[[Args, IndexArray, float], Answer], *, arrived: float | None
    ) -> Answer:
        began = time.perf_counter()
        until = (began if arrived is None else arrived) + self.settings.budget_seconds
        try:
            args = parse_args(body, limit_bytes=self.settings.body_limit_bytes)
            rows = self._knowledge.view.lookup(args.names)
            if not each_once(rows, len(self._knowledge.view)):
                refuse_repeats(args)
                refuse_foreign_names(args, (args.names[place] for place in np.flatnonzero(rows < 0).tolist()))
            found = self._safely(verb, lambda: answer(args, rows, until), lambda: _neutral_answer(verb, args))
        except ArgsError as error:
            return self.refuse(verb, error)
        self.metrics.count("requests_total", verb=verb, status=str(found.status))
        self.metrics.count("request_seconds_total", time.perf_counter() - began, verb=verb)
        if args.pod.complaints:
            self.metrics.count("annotations_refused_total")
            self._journal.once("annotation-refused", f"pod {args.pod.full_name}: {'; '.join(args.pod.complaints)}")
        return found

    def _filtered(self, args: Args, rows: IndexArray, until: float) -> Answer:
        policy_has_a_say = (
            self._policy.requires(args.pod) or self._knowledge.view.rows["demanding"].take(rows[rows >= 0]).any()
        )
        verdict = self._judged_in_time(args, rows, until) if policy_has_a_say else self._judged_blindly(args, rows)
        failed = verdict.failed()
        if self._judged_for_good(verdict, failed=len(failed)):
            failed = {}
        self.metrics.count("failed_nodes_total", len(failed))
        return Answer(content=encode_filter(args, failed), warning=self._warning(args, verdict.without_state()))

    def _prioritized(self, args: Args, rows: IndexArray, until: float) -> Answer:
        verdict = self._judged_in_time(args, rows, until)
        unknown = verdict.without_state()
        self.metrics.count("unknown_nodes_total", len(unknown))
        scores = verdict.scores
        if self._judged_for_good(verdict, failed=0):
            scores = np.full_like(scores, NEUTRAL_LOW)
        return Answer(content=encode_priorities(args.names, scores), warning=self._warning(args, unknown))

    def _explained(self, args: Args, _rows: IndexArray, _until: float) -> Answer:
        if len(args.names) > self.settings.explained_nodes:
            raise ArgsError(
                f"{args.field} names {len(args.names)} nodes, at most {self.settings.explained_nodes} are explained "
                "at once: ask about fewer"
            )
        return Answer(content=msgspec.json.encode(self.explanation(args.pod, args.names)))

    @property
    def _policy(self) -> LeewardPolicy:
        return self.settings.leeward_policy

    def _judged_for_good(self, verdict: Verdict, *, failed: int) -> bool:
        """Remember what was judged of a pod; returns whether the scheduler is to be told otherwise."""
        shadowed = self._policy.is_shadowed(verdict.pod)
        if verdict.kept is not None:
            champion = self._knowledge.champion
            self._decisions.judged(
                verdict,
                failed=failed,
                at=self._clock(),
                champion="" if champion is None else champion.digest,
                shadowed=shadowed,
            )
        return shadowed

    def _bounds_before(self, pod: Pod) -> tuple[PartyBound, ...]:
        """What is bounded on a pod's node while the pod is not known to be there yet."""
        return self._safely("placed", lambda: self._bounds_on_its_node(pod), lambda: ())

    def _bounds_on_its_node(self, pod: Pod) -> tuple[PartyBound, ...]:
        forecasts, row = self._knowledge.forecasts, int(self._knowledge.view.lookup([pod.node])[0])
        outlook = None if forecasts is None or row < 0 else forecasts.outlook(row)
        if forecasts is None or outlook is None:
            return ()
        workload, tolerance = forecasts.book.of(pod.key), self._policy.tolerance_of(pod)
        return party_bounds(outlook, pod=pod, workload=workload, tolerance=tolerance, forecasts=forecasts)

    def _follow_decision(self, change: Change[Pod], before: Mapping[str, tuple[PartyBound, ...]]) -> None:
        if change.value is None:
            self._decisions.forget(change.name)
            return
        parties = before.get(change.name, ())
        if change.value.node and (decision := self._decisions.placed(change.value, parties)) is not None:
            self.metrics.count("placements_total", shadowed=str(decision.shadowed).lower())
            log.debug("placed", **decision.model_dump(mode="json"))

    def _reported(self, pod: Pod, nodes: Sequence[str]) -> Answer:
        if pod.node:
            report = PodReport(pod=pod.full_name, node=pod.node, decision=self._decisions.of(pod.uid))
        else:
            among = list(dict.fromkeys([*self._knowledge.view.present(), *nodes]))
            shown = set(nodes or self._best_nodes(pod, among))
            report = PodReport(pod=pod.full_name, node="", explanation=self.explanation(pod, among, shown=shown))
        self.metrics.count("requests_total", verb="explain", status="200")
        return Answer(content=encode_report(report))

    def _best_nodes(self, pod: Pod, among: Sequence[str]) -> list[str]:
        verdict = self._judged(pod, among, self._knowledge.view.lookup(among))
        scores, ratios = verdict.scores.tolist(), np.nan_to_num(verdict.ratios, nan=np.inf).tolist()
        best = sorted(range(len(among)), key=lambda place: (-scores[place], ratios[place], among[place]))
        return [among[place] for place in best[: self.settings.explained_nodes]]

    def _judged_in_time(self, args: Args, rows: IndexArray, until: float) -> Verdict:
        forecasts = self._knowledge.forecasts
        if forecasts is None:
            return self._judged_blindly(args, rows)
        kept = forecasts.kept(forecasts.book.of(args.pod.key), args.pod.exclusive_cpus)
        self.metrics.count("late_nodes_total", forecasts.bring_in_reach(kept, rows[rows >= 0], until=until))
        return self._verdict(args.pod, args.names, rows, kept=kept)

    def _judged_blindly(self, args: Args, rows: IndexArray) -> Verdict:
        return self._verdict(args.pod, args.names, rows, kept=None)

    def _judged(self, pod: Pod, names: Sequence[str], rows: IndexArray) -> Verdict:
        forecasts = self._knowledge.forecasts
        kept = None
        if forecasts is not None:
            kept = forecasts.kept(forecasts.book.of(pod.key), pod.exclusive_cpus)
            forecasts.bring_up_to_date(kept, rows[rows >= 0])
        return self._verdict(pod, names, rows, kept=kept)

    def _verdict(self, pod: Pod, names: Sequence[str], rows: IndexArray, *, kept: KeptWorkload | None) -> Verdict:
        return verdict_on(
            names, rows, pod=pod, kept=kept, view=self._knowledge.view, now=self._clock(), policy=self._policy
        )

    def _explained_node(self, verdict: Verdict, place: int, *, failed: str) -> NodeExplanation:
        row, view, forecasts = int(verdict.rows[place]), self._knowledge.view, self._knowledge.forecasts
        telemetry = view.telemetry(row) if row >= 0 else None
        explained = NodeExplanation(
            node=verdict.nodes[place],
            score=int(verdict.scores[place]),
            standing=STANDINGS[int(verdict.standing[place])],
            refused=view.refusal(row) if row >= 0 else "",
            age_seconds=None if telemetry is None else (self._clock() - telemetry.oldest).total_seconds(),
            failed=failed,
        )
        outlook = forecasts.outlook(row) if forecasts is not None and telemetry is not None else None
        if forecasts is None or outlook is None:
            return explained
        return replace(
            explained,
            topology_policy=outlook.topology,
            domains=domains_of(outlook, verdict.pod),
            parties=parties_of(
                outlook,
                pod=verdict.pod,
                workload=forecasts.book.of(verdict.pod.key),
                tolerance=verdict.tolerance,
                required=verdict.required,
                forecasts=forecasts,
            ),
        )

    def _warning(self, args: Args, unknown: Sequence[str]) -> str:
        if not unknown:
            return ""
        shown = ", ".join(unknown[:_NAMES_SHOWN]) + (", ..." if len(unknown) > _NAMES_SHOWN else "")
        sentence = (
            f"{args.field} names {len(unknown)} of {len(args.names)} nodes without a NodeState ({shown}): they pass "
            "the filter and score low until an agent reports"
        )
        self._journal.once_a_node("nodes-without-state", sentence, unknown)
        return sentence

    def _safely(self, verb: str, action: Callable[[], T], neutral_answer: Callable[[], T]) -> T:
        """The one place where any failure is caught: placement goes on without Leeward, and a metric says so."""
        try:
            return action()
        except ArgsError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever fails here must not keep a pod from being placed
            self.metrics.count("failures_total", verb=verb)
            self._journal.once("answered-neutrally", f"{verb}: {error!r}", error=error)
            return neutral_answer()


def _neutral_answer(verb: str, args: Args) -> Answer:
    if verb == "filter":
        return Answer(content=encode_filter(args, {}))
    if verb == "prioritize":
        return Answer(content=encode_priorities(args.names, np.full(len(args.names), NEUTRAL_LOW)))
    return _unexplained()


def _unexplained() -> Answer:
    return Answer(content=encode_refusal(ArgsError("nothing can be explained: see the extender's log")), status=500)
