"""What is to be said of one pod, by name: why nodes score as they do for it, or what was decided when it was bound."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from contracts.model import one_sentence
from scheduler_extender.decisions import Decision
from scheduler_extender.errors import ExtenderError
from scheduler_extender.explanation import Explanation, summary


@dataclass(frozen=True, slots=True, kw_only=True)
class PodReport:
    """One pod.

    Attributes:
        pod, node: namespace and name, and where it is bound; empty while it waits.
        decision: of a bound pod what was judged of it; ``None`` while it waits, and where this replica was not asked
            about it or has forgotten.
        explanation: of a waiting pod; ``None`` once it is bound, since it would be its own neighbour.
    """

    pod: str
    node: str
    decision: Decision | None = None
    explanation: Explanation | None = None


_REPORT = TypeAdapter(PodReport)


def encode_report(report: PodReport) -> bytes:
    """A report as JSON."""
    return _REPORT.dump_json(report)


def decode_report(content: bytes) -> PodReport:
    """The same back.

    Raises:
        ExtenderError: it is none.
    """
    try:
        return _REPORT.validate_json(content)
    except ValidationError as error:
        raise ExtenderError(f"this is no answer of an extender of this version: {one_sentence(error)}") from error


def told(report: PodReport, nodes: Sequence[str] | None = None) -> str:
    """A report in a few lines for people.

    Args:
        report: of a pod.
        nodes: of an explanation only these, all where absent.
    """
    if report.explanation is not None:
        return summary(report.explanation, nodes)
    if report.decision is None:
        return f"{report.pod} is bound to {report.node}; this replica was not asked about it, or has forgotten"
    return decided(report.decision)


def decided(decision: Decision) -> str:
    """A decision in a few lines for people."""
    lines = [
        f"{decision.pod} ({decision.workload}) tolerates {decision.tolerance:g}"
        f"{', required' if decision.required else ''}; judged {decision.decided:%Y-%m-%d %H:%M:%S} UTC by "
        f"{decision.champion}",
        f"bound to {decision.node}: {_scored(decision.score, decision.ratio)}",
        f"best of {decision.nodes} asked about: {', '.join(decision.best) or 'none that is known'}: "
        f"{_scored(decision.best_score, decision.best_ratio)}",
    ]
    if decision.failed:
        lines.append(f"{decision.failed} nodes {'would have been ' if decision.shadowed else ''}ruled out by policy")
    if decision.shadowed:
        lines.append("it was only looked at: the scheduler was told that all nodes are alike")
    return "\n".join(lines)


def _scored(score: int | None, ratio: float | None) -> str:
    if score is None:
        return "not asked about"
    worst = "nothing predicted" if ratio is None else f"worst bound {ratio:.2f} times what is tolerated"
    return f"score {score}, {worst}"
