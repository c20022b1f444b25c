"""The answers for a terminal, from 80 columns on."""

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from eval.one_placement.answer import NodeAnswer, Placement, PodAnswer


def render_answers(placement: Placement) -> RenderableType:
    """Every node's score for each pod with the bound behind it, and beside them what only the simulator knows."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=0)
    table.add_column("node", no_wrap=True)
    table.add_column("ten-\nants", justify="right", no_wrap=True)
    table.add_column("regimes")
    for answer in placement.pods:
        table.add_column(f"{answer.pod}\ntolerates\n{answer.tolerance:.2f}", no_wrap=True)
    table.add_column(f"truth,\n{placement.truth_of}", justify="right", no_wrap=True)
    first = placement.pods[0].nodes
    for name in sorted(placement.nodes, key=lambda node: (-first[node].score, node)):
        shown = placement.nodes[name]
        truth = "no room" if shown.true_worst is None else f"{shown.true_worst:.2f}"
        cells = [_cell(answer.nodes[name]) for answer in placement.pods]
        table.add_row(name, str(shown.tenants), shown.regimes, *cells, truth)
    return Group(
        Text.assemble(("Scores", "bold"), " (simulated nodes) for three pods that kube-scheduler asked about"),
        table,
        *(Text(_sentence(answer)) for answer in placement.pods),
        Text(
            "Below each pod its score and the bound behind it: of the slowdown of the party that is worst off against "
            "what it tolerates, if the pod came. That is the pod itself, or a resident, which is named. Truth: the "
            "worst slowdown that then happens to anyone, on whichever socket has room; the simulator alone knows it.",
            style="dim",
        ),
    )


def _cell(answer: NodeAnswer) -> Text:
    party = "" if answer.party == "itself" else f"\n{answer.party}"
    return Text.assemble((f"{answer.score:>2}", "bold"), f"  {answer.bound:.2f}", (party, "dim"))


def _sentence(answer: PodAnswer) -> str:
    best = f"best for {answer.pod}: {', '.join(answer.winners)}"
    workload = "" if answer.known else " (no profile: the worst known workload stands in)"
    if answer.reason:
        return f"{best}; the filter passes {answer.passed} of {len(answer.nodes)} nodes: {answer.reason}"
    return f"{best}{workload}"
