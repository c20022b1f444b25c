"""One placement for a terminal, from 80 columns on."""

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from eval.one_placement.answer import PlacedNode, Placement


def render_placement_answer(placement: Placement) -> RenderableType:
    """Scores, with what they stand on, and beside them what only the simulator knows."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("node", no_wrap=True)
    table.add_column("score", justify="right")
    table.add_column("tenants", justify="right")
    table.add_column("regimes of its sockets")
    table.add_column("worst party")
    table.add_column("bound / tolerated", justify="right", no_wrap=True)
    table.add_column("true worst", justify="right")
    for entry in placement.nodes:
        table.add_row(*_row(entry))
    return Group(
        Text.assemble(
            ("One placement", "bold"),
            f" (simulated nodes): kube-scheduler asks about pod {placement.pod}, workload {placement.workload}",
        ),
        table,
        Text(
            "Bound: of the slowdown of the party that is worst off against what it tolerates, if the pod came. True "
            "worst: the worst slowdown that then happens to anyone, which the simulator knows and nobody else.",
            style="dim",
        ),
    )


def _row(entry: PlacedNode) -> tuple[str, ...]:
    bound = "-" if entry.bound is None else f"{entry.bound:.2f} / {entry.tolerance:.2f}"
    truth = "no room" if entry.true_worst is None else f"{entry.true_worst:.2f}"
    return (entry.node, str(entry.score), str(entry.tenants), entry.regimes, entry.worst_party, bound, truth)
