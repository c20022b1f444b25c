"""The shadow report as one page that fetches nothing."""

from collections.abc import Iterator
from html import escape

from eval.figure import Figure
from eval.page import fact_list, figure, page, share_cell, table
from eval.shadow import words
from eval.shadow.closing import percent
from eval.shadow.plots import arms_plot, ratios_plot, times_plot, went_plot
from eval.shadow.report import ShadowReport, Table

_TOO_FEW = "<small>too few workloads</small>"


def shadow_page(report: ShadowReport) -> str:
    """HTML of a report; nothing in it but the report itself."""
    parts = (_heading, _seen, _changes, _harm, _right, _arms, _odd)
    return page("In the shadow", "".join(piece for part in parts for piece in part(report)))


def _heading(report: ShadowReport) -> Iterator[str]:
    yield "<h1>In the shadow: what Leeward would have changed</h1>\n"
    if simulated := words.simulated_sentence(report):
        yield f'<p class="loud">{escape(simulated)}</p>\n'
    yield f"<ul>{''.join(f'<li>{escape(sentence)}</li>' for sentence in report.closing)}</ul>\n"


def _seen(report: ShadowReport) -> Iterator[str]:
    seen = report.seen
    silent = seen.unasked + seen.unbounded
    yield "<h2>How much was seen</h2>\n"
    yield fact_list(
        {
            "Judged": words.period(report),
            "Asked for": words.asked_for(report),
            "Pods placed": f"{seen.placements:,}, {seen.shadowed:,} of them only looked at",
            "Required": f"{seen.pods_required:,} require their tolerance",
            "Nothing said": (
                f"{seen.unasked:,} went to a node that was not asked about last, of {seen.unbounded:,} nothing was "
                f"predicted where they went ({percent(silent, seen.placements)} together); why is not recorded"
                if silent
                else ""
            ),
            "Of the first form": f"{seen.without_parties:,} name no parties" if seen.without_parties else "",
            "Intervals": f"{report.confidence:.0%}; each workload counts as one row",
        }
    )
    if seen.champions:
        yield table(
            ("champion", "version", "judged", "placements", "states", "bounds held", "windows", "groups"),
            [
                (
                    escape(words.short(champion.digest)),
                    escape(champion.version or "not here"),
                    f"{words.stamp(champion.first)}<small>to {words.stamp(champion.last)}</small>",
                    f"{champion.placements:,}",
                    words.stated_of(champion),
                    _share(champion.held),
                    f"{champion.windows:,}",
                    f"{champion.groups:,}",
                )
                for champion in seen.champions
            ],
        )


def _changes(report: ShadowReport) -> Iterator[str]:
    changes = report.shadowed
    yield "<h2>What would have changed</h2>\n"
    if changes.placements:
        yield table(
            ("Leeward would have", "bound there", "at the best node", "placements", "share", "went beyond"),
            [
                (
                    words.ANSWERS[cell.answer],
                    words.FITS[cell.here],
                    words.best_fit(cell),
                    f"{cell.placements:,}",
                    percent(cell.placements, changes.placements),
                    words.went(cell.exceeded, cell.kept),
                )
                for cell in words.cells_shown(changes)
            ],
        )
        yield f"<p>{escape(words.points_sentence(changes))}</p>\n"
    for sentence in (words.ruled_out_sentence(report), words.outvoted_sentence(report)):
        if sentence:
            yield f"<p>{escape(sentence)}</p>\n"
    if not changes.placements:
        return
    yield f'<p class="how">{escape(words.MOVED_CAUTION)}</p>\n'
    yield figure(
        times_plot(changes),
        "Pods in the shadow by when they were judged. Would have left: nothing scored better, and every bound was "
        "within its tolerance.",
    )
    if changes.taken is not None and changes.best is not None:
        yield figure(
            ratios_plot(changes.taken, changes.best),
            "The worst ratio of a party's bound to its tolerance, on a logarithmic axis. Right of the dotted line a "
            "bound is beyond. What lies between the curves is what another choice could have changed, by the same "
            "bounds.",
        )
    yield _rows("workload", changes.workloads)
    yield _rows("node", changes.nodes)


def _rows(name: str, found: Table) -> str:
    rows = [
        (
            escape(row.name),
            *(f"{count:,}" for count in (row.placements, row.moved, row.beyond, row.no_better)),
            *("" if ratio is None else f"{ratio:.2f}" for ratio in (row.taken, row.best, row.worst)),
        )
        for row in found.rows
    ]
    columns = (name, "placed", "moved", "beyond", "no better", "taken, median", "best, median", "worst")
    return f"<h3>By {name}, the most affected first</h3>\n" + table(columns, rows) + _more(found.more)


def _more(count: int) -> str:
    return f'<p class="how">and {count:,} more</p>\n' if count else ""


def _harm(report: ShadowReport) -> Iterator[str]:
    harm = report.harm
    if not harm.at:
        return
    yield "<h2>Who was in danger</h2>\n"
    yield f"<p>{escape(words.harm_sentence(harm))}</p>\n"
    yield table(
        ("workload", "newcomers", "residents", "placements", "of these moved", "worst ratio"),
        [
            (
                escape(row.workload),
                *(f"{count:,}" for count in (row.newcomers, row.residents, row.placements, row.moved)),
                f"{row.worst:.2f}",
            )
            for row in harm.workloads
        ],
    )
    yield _more(harm.more)


def _right(report: ShadowReport) -> Iterator[str]:
    right = report.right
    if not report.shadowed.placements:
        return
    yield "<h2>Was it right?</h2>\n"
    if not right.windows:
        yield "<p>Nothing is known of how any of them went.</p>\n"
        return
    yield table(
        ("pods in the shadow", "went beyond", "share", "workloads", "no outcome"),
        [
            (
                escape(name),
                words.went(kind.exceeded, kind.kept),
                _share(kind.share),
                f"{kind.workloads:,}",
                f"{kind.unknown:,}",
            )
            for name, kind in words.kinds_of(right)
        ],
    )
    yield f'<p class="how">{escape(words.OUTCOME_CAUTION)}</p>\n'
    if any(kind.exceeded + kind.kept for _, kind in words.kinds_of(right)):
        yield figure(
            went_plot(right), "Red went beyond a tolerance, green did not. Numbers are placements with a known outcome."
        )
    yield (
        f"<p>{right.windows:,} labelled windows belong to a recorded bound; in {right.at_ceiling:,} of them the bound "
        "is the ceiling, which promises nothing.</p>\n"
    )


def _arms(report: ShadowReport) -> Iterator[str]:
    arms = report.arms
    if arms is None:
        return
    yield "<h2>In the shadow against steered</h2>\n"
    yield table(
        ("workloads", "with an outcome", "windows", "beyond tolerance"),
        [
            (name, f"{arm.workloads:,}", f"{arm.windows:,}", _share(arm.beyond))
            for name, arm in (("in the shadow", arms.shadowed), ("steered", arms.steered))
        ],
    )
    if arms.shadowed.beyond is not None and arms.steered.beyond is not None:
        yield figure(arms_plot(arms), "Lines are intervals over workloads, whose number stands in brackets.")
    yield (
        f'<p class="how">{escape(words.ARMS_CAUTION)} Left out: {arms.changed:,} that were on both sides, '
        f"{arms.unknown:,} none of whose pods came.</p>\n"
    )


def _odd(report: ShadowReport) -> Iterator[str]:
    if report.odd:
        yield "<h2>What was odd</h2>\n"
        yield table(
            ("what", "how often", "first"),
            [(escape(odd.what), f"{odd.count:,}", escape(odd.first)) for odd in report.odd],
        )


def _share(found: Figure | None) -> str:
    return _TOO_FEW if found is None else share_cell(found)
