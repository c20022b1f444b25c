"""Models as text of at most a hundred columns."""

import textwrap
from collections.abc import Sequence

from pipelines.gate import GateDecision
from pipelines.versions import Comparison, ShownFigure, VersionDetail, VersionSummary

WIDTH = 100
_NAME = 54
_CELL = 21
_DIGITS = 12
"""Hexadecimal digits of a digest that tell it from others well enough."""


def version_lines(versions: Sequence[VersionSummary]) -> list[str]:
    """A line a version."""
    if not versions:
        return ["there are no models yet: train one"]
    lines = [f"{'version':<8} {'aliases':<20} {'verdict':<12} {'registered (UTC)':<17} {'bundle':<13} {'trained on'}"]
    return lines + [
        f"{version.version:<8} {', '.join(version.aliases) or '-':<20} {version.verdict or 'not asked':<12} "
        f"{version.created:%Y-%m-%d %H:%M}  {_short(version.digest):<13} {_data(version)}"
        for version in versions
    ]


def detail_lines(detail: VersionDetail) -> list[str]:
    """A version, its figures, and the gate's word."""
    summary = detail.summary
    facts = (
        ("registered", f"{summary.created:%Y-%m-%d %H:%M:%S} UTC"),
        ("aliases", ", ".join(summary.aliases) or "none"),
        ("verdict", summary.verdict or "the gate was not asked"),
        ("bundle", summary.digest or "its registration was never finished"),
        ("trained on", f"{summary.training_data or 'unknown'}{' (simulated)' if summary.simulated else ''}"),
        ("schema", summary.feature_schema or "unknown"),
        ("run", detail.run),
        ("also", ", ".join(f"{name} {number}" for name, number in summary.numbers.items() if name != "leeward")),
    )
    lines = [f"leeward version {summary.version}"]
    lines += [f"  {name:<12} {value}" for name, value in facts if value]
    lines += ["", f"  {'on workloads never seen':<{_NAME}} {'value':>8}  interval over groups"]
    lines += [f"  {figure.name:<{_NAME}} {figure.value:>8.3f}  {_interval(figure)}" for figure in detail.figures]
    if detail.decision is not None:
        lines += ["", *decision_lines(detail.decision, version=summary.version)]
    return lines


def comparison_lines(comparison: Comparison) -> list[str]:
    """Two versions side by side."""
    first, second = comparison.first, comparison.second
    heads = [f"version {version.version}" for version in (first, second)]
    lines = [f"{'':<{_NAME}} {heads[0]:>{_CELL}} {heads[1]:>{_CELL}}"]
    for name, one, other in (
        ("aliases", ", ".join(first.aliases) or "-", ", ".join(second.aliases) or "-"),
        ("verdict", first.verdict or "not asked", second.verdict or "not asked"),
        ("trained on", _data(first), _data(second)),
        ("feature schema", _short(first.feature_schema), _short(second.feature_schema)),
    ):
        lines.append(f"{name:<{_NAME}} {one:>{_CELL}} {other:>{_CELL}}")
    lines += [
        f"{row.name:<{_NAME}} {_cell(row.first):>{_CELL}} {_cell(row.second):>{_CELL}}" for row in comparison.figures
    ]
    note = (
        "Each on the workloads that it held out itself. The gate compares on the same rows: `leeward models promote`."
    )
    return [*lines, "", *textwrap.wrap(note, WIDTH)]


def decision_lines(decision: GateDecision, *, version: str) -> list[str]:
    """The gate's sentences, those that refuse marked."""
    verdict = "may serve" if decision.promoted else "is refused"
    lines = [f"the gate: version {version} {verdict}"]
    for reason in decision.reasons:
        mark = "  NO  " if reason in decision.refusals else "  ok  "
        lines += textwrap.wrap(reason, WIDTH, initial_indent=mark, subsequent_indent="      ")
    return lines


def _cell(figure: ShownFigure | None) -> str:
    return "-" if figure is None else f"{figure.value:.3f} {_interval(figure, bare=True)}".strip()


def _interval(figure: ShownFigure, *, bare: bool = False) -> str:
    if figure.lower is None or figure.upper is None:
        return ""
    return f"({figure.lower:.3f}-{figure.upper:.3f})" if bare else f"{figure.lower:.3f} to {figure.upper:.3f}"


def _data(version: VersionSummary) -> str:
    return f"{_short(version.training_data)}{', sim.' if version.simulated else ''}"


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:_DIGITS] or "-"
