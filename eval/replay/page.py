"""The replay's report as one page that fetches nothing."""

from collections.abc import Iterator
from html import escape

from eval.page import fact_list, page, share_cell, table
from eval.replay.recording import Kind
from eval.replay.report import Eased, Outcomes, PolicyFigures, ReplayReport
from eval.replay.table import legend, outcomes_legend, reproduced


def replay_page(report: ReplayReport) -> str:
    """HTML of a report; nothing in it but the report itself."""
    return page("Replay", "".join(_parts(report)))


def _parts(report: ReplayReport) -> Iterator[str]:
    yield "<h1>Replay</h1>\n"
    if report.simulated:
        yield '<p class="loud">SIMULATED. The recorded cluster was a testbed: nothing was measured on hardware.</p>\n'
    yield f'<p class="loud">{escape(report.open_loop)}</p>\n'
    yield f"<p>{escape(reproduced(report))}</p>\n"
    recording = report.recording
    yield fact_list(
        {
            "Recorded": f"{recording.began:%Y-%m-%d %H:%M:%S} to {recording.until:%Y-%m-%d %H:%M:%S} UTC",
            "Asked about": " to ".join(f"{end:%Y-%m-%d %H:%M:%S}" for end in (recording.since, recording.to) if end),
            "Placements judged": f"{report.placements:,}",
            "There before": f"{recording.there_before:,} pods",
            "Recorded decisions": f"{recording.decisions:,}",
            "Events": ", ".join(f"{count:,} {kind}" for kind, count in recording.events.items() if kind != Kind.WHOLE),
            "Models": "; ".join(f"{model.name} ({model.digest})" for model in report.models),
            "Bounds by": f"{report.yardstick}, which serves",
        }
    )
    if report.placements:
        yield "<h2>What each policy would have done</h2>\n"
        yield _policies(report)
    if any(figures.kept is not None for figures in report.policies):
        yield "<h2>What became of the pods</h2>\n"
        yield _outcomes(report)
    if report.regimes:
        yield "<h2>Regimes of the recorded windows</h2>\n"
        yield _regimes(report)
    yield "<h2>Against the recorded decisions</h2>\n"
    yield table(
        ("", "decisions"),
        [
            ("compared", f"{report.reproduction.decisions:,}"),
            ("reproduced", f"{report.reproduction.reproduced:,}"),
            *((escape(reason), f"{count:,}") for reason, count in report.reproduction.differences.items()),
            ("asked about another number of nodes", f"{report.reproduction.asked_otherwise:,}"),
        ],
    )
    troubles = {**report.troubles, **report.outcome_troubles}
    if troubles:
        yield "<h2>Left out, or odd</h2>\n"
        yield table(("", "how many"), [(escape(name), f"{count:,}") for name, count in troubles.items()])


def _policies(report: ReplayReport) -> str:
    columns = ("policy", "elsewhere", "no node", "ruled out", "nodes", "over", "ratio, over of moved", "own of moved")
    rows = [
        (
            _name(figures),
            f"{100 * figures.elsewhere / report.placements:.1f} %<small>{figures.elsewhere:,.0f}</small>",
            f"{figures.no_node:,}",
            f"{figures.ruled_out:,}" if figures.model else "",
            f"{figures.nodes_used:,.1f}",
            "" if figures.overall is None else f"{100 * figures.overall.chosen_over:.1f} %",
            _moved(figures.by_yardstick),
            _moved(figures.by_own),
        )
        for figures in report.policies
    ]
    return f'<p class="how">{escape(legend(report))}</p>\n{table(columns, rows)}'


def _outcomes(report: ReplayReport) -> str:
    columns = ("policy", "of those that it would have changed", "of those that it would have kept")
    rows = [(_name(figures), _suffered(figures.changed), _suffered(figures.kept)) for figures in report.policies]
    return f'<p class="how">{escape(outcomes_legend(report))}</p>\n{table(columns, rows)}'


def _name(figures: PolicyFigures) -> str:
    model = f"<small>{escape(figures.model)}</small>" if figures.model else ""
    return f"{escape(figures.policy)}{model}"


def _moved(eased: Eased | None) -> str:
    if eased is None:
        return ""
    return (
        f"{eased.recorded:.2f} &rarr; {eased.chosen:.2f}"
        f"<small>{100 * eased.recorded_over:.0f} &rarr; {100 * eased.chosen_over:.0f} %</small>"
    )


def _suffered(outcomes: Outcomes | None) -> str:
    if outcomes is None or outcomes.exceeded is None:
        return ""
    return (
        f"{share_cell(outcomes.exceeded)}<small>of {outcomes.exceeded.units}, {outcomes.without} not measured</small>"
    )


def _regimes(report: ReplayReport) -> str:
    rows = [
        (
            escape(figures.model),
            f"{figures.windows:,}",
            f"{100 * figures.as_published:.1f} %",
            f"{100 * figures.unknown:.1f} %",
            f"{100 * figures.published_unknown:.1f} %",
        )
        for figures in report.regimes
    ]
    pairs = [(escape(f"{pair.first} and {pair.second}"), f"{100 * pair.agreed:.1f} %") for pair in report.pairs]
    by_model = table(("model", "windows", "as published", "unknown", "unknown as published"), rows)
    return by_model + (table(("two models", "agree"), pairs) if pairs else "")
