"""Coverage on workloads never seen, as a page of its own with the plot in it: what Kubeflow shows of a training."""

from collections.abc import Iterator
from html import escape

import numpy as np

from contracts.profile import Tier
from pipelines.figures import HeldOutFigures, coverage_by_group
from pipelines.interference_rows import TIERS
from pipelines.predictions import HeldOutBounds, HeldOutKind, HeldOutPredictions

_LEFT, _RIGHT, _WIDTH, _ROW, _TOP = 190, 120, 720, 18, 46
"""Of a plot, in pixels: what names and counts take beside it, all of it, a row's height, what stands above the rows."""

_KINDS = {HeldOutKind.UNSEEN_VICTIM: "Unseen victim", HeldOutKind.UNSEEN_CO_RUNNER: "Unseen co-runner"}
_PAGE_STYLE = "body { font: 14px sans-serif; margin: 24px; color: #1a1a1a; background: #fff } svg { display: block }"
_PLOT_STYLE = """
text { font: 12px sans-serif }
.grid { stroke: #ddd } .nominal { stroke: #b3261e; stroke-dasharray: 4 3 }
.interval { stroke: #1f4e79; stroke-width: 3 } .held { fill: #1f4e79 } .short { fill: #b3261e }
.said { fill: #555 } .middle { text-anchor: middle } .end { text-anchor: end }
""".strip()


def coverage_page(predictions: HeldOutPredictions, figures: HeldOutFigures) -> str:
    """HTML with one plot a tier and kind of being unseen; nothing in it is fetched from elsewhere."""
    plots = "".join(_plots(predictions, figures))
    groups = len(predictions.groups)
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Coverage of bounds</title>\n'
        f"<style>{_PAGE_STYLE}</style>\n"
        f"<h1>Coverage of bounds on workloads never seen</h1>\n"
        f"<p>{groups} workload groups, each judged by models, calibration and ranges that were made without it. The "
        f"dashed line is the stated rate, {predictions.rate:.0%}. A dot is the share of a group's rows whose slowdown "
        f"stayed within the bound, red where that is less than stated; the bar is the interval of their mean over "
        f"groups.</p>\n{plots}</html>\n"
    )


def _plots(predictions: HeldOutPredictions, figures: HeldOutFigures) -> Iterator[str]:
    bounds = predictions.bounds
    for kind in HeldOutKind:
        for tier in TIERS:
            chosen = bounds.only((bounds.tier == tier.value) & (bounds.kind == kind.value))
            if len(chosen):
                yield f"<h2>{escape(_title(kind, tier))}</h2>\n"
                yield _plot(chosen, predictions.rate, figures, f"bound.{tier}.{kind}.coverage")


def _title(kind: HeldOutKind, tier: Tier) -> str:
    return f"{_KINDS[kind]}, profile in tier {tier.value}"


def _plot(bounds: HeldOutBounds, rate: float, figures: HeldOutFigures, name: str) -> str:
    shares = sorted(coverage_by_group(bounds).items(), key=lambda entry: (entry[1], entry[0]))
    height = _TOP + _ROW * (len(shares) + 2)
    mean = figures.of(name)
    drawn = [
        *_axis(rate, height),
        _text(0, _TOP + 4, "mean over groups"),
        f'<line class="interval" x1="{_x(mean.lower):.1f}" x2="{_x(mean.upper):.1f}" y1="{_TOP}" y2="{_TOP}"/>',
        _dot(mean.value, _TOP, rate),
        _text(_WIDTH, _TOP + 4, f"{mean.value:.2f} [{mean.lower:.2f}, {mean.upper:.2f}]", kind="end"),
    ]
    for row, (group, share) in enumerate(shares, start=1):
        y = _TOP + _ROW * row
        rows = int(np.count_nonzero(bounds.group == group))
        drawn += [_text(0, y + 4, group), _dot(share, y, rate)]
        drawn.append(_text(_WIDTH, y + 4, f"{share:.2f} of {rows}", kind="end"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" role="img">\n<style>\n{_PLOT_STYLE}\n</style>\n'
        + "\n".join(drawn)
        + "\n</svg>\n"
    )


def _axis(rate: float, height: int) -> Iterator[str]:
    bottom = height - _ROW
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        yield f'<line class="grid" x1="{_x(share):.1f}" x2="{_x(share):.1f}" y1="24" y2="{bottom}"/>'
        yield _text(_x(share), 16, f"{share:.0%}", kind="middle")
    yield f'<line class="nominal" x1="{_x(rate):.1f}" x2="{_x(rate):.1f}" y1="24" y2="{bottom}"/>'


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _dot(share: float, y: int, rate: float) -> str:
    return f'<circle class="{"held" if share >= rate else "short"}" cx="{_x(share):.1f}" cy="{y}" r="4"/>'


def _text(x: float, y: int, said: str, *, kind: str = "start") -> str:
    return f'<text class="said {kind}" x="{x:.1f}" y="{y}">{escape(said)}</text>'
