"""The gate's decision in Markdown: what Kubeflow shows of a promotion."""

from collections.abc import Iterator

from contracts.model import Document
from pipelines.gate import GateDecision

_WRITTEN_OUT = 10_000.0
"""From here up, figures are bytes and such: written out, they are easier to read than with an exponent."""


def decision_page(decision: GateDecision, *, model: str, version: str) -> str:
    """Markdown: the verdict, why, and every check with all its figures."""
    verdict = "is now champion" if decision.promoted else "was not promoted"
    lines = [f"# {model} version {version} {verdict}", "", *_sentences(decision), "", *_table(decision)]
    return "\n".join(lines) + "\n"


def _sentences(decision: GateDecision) -> Iterator[str]:
    for reason in decision.reasons:
        yield f"- {'**refused:** ' if reason in decision.refusals else ''}{_plain(reason)}"


def _table(decision: GateDecision) -> Iterator[str]:
    """A row a check, whatever the gate checks: its figures as the check names them, and whether it held."""
    yield "| check | figures | held |"
    yield "|---|---|---|"
    for kind in type(decision).model_fields:
        found = getattr(decision, kind)
        for check in found if isinstance(found, tuple) else (found,):
            if isinstance(check, Document):
                figures = check.model_dump(by_alias=False)
                held = "yes" if figures.pop("held") else "**no**"
                told = ", ".join(f"{_words(name)} {_figure(value)}" for name, value in figures.items())
                yield f"| {_words(kind)} | {_plain(told)} | {held} |"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _figure(value: object) -> str:
    match value:
        case float():
            return f"{value:,.0f}" if abs(value) >= _WRITTEN_OUT else f"{value:.4g}"
        case tuple():
            return ", ".join(map(str, value)) or "none"
    return str(value)


def _plain(sentence: str) -> str:
    """Names of workloads may hold what Markdown would make something of."""
    return sentence.replace("|", "\\|").replace("<", "&lt;").replace("_", "\\_")
