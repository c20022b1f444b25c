"""What a model is, for people, in Markdown: the card of a version, and its short form.

The form follows Mitchell et al., "Model cards for model reporting" (2019), as far as a bundle has something to say.
"""

from collections.abc import Iterable, Sequence

from contracts.bundle import Graph, GraphRole, HeldOutFigure, Manifest

CARD_FILE = "model-card.md"

_PREFIX = {GraphRole.REGIME: "regime.", GraphRole.INTERFERENCE: "bound."}
_SHOWN_GROUPS = 12


def model_card(manifest: Manifest, digest: str) -> str:
    """The whole card.

    Args:
        manifest: of the bundle.
        digest: of the bundle.
    """
    parts = (
        f"# {manifest.name} {manifest.version}\n\n{_warning(manifest)}",
        _section("What it is for", _PURPOSE),
        _section("What it was trained on", _training_data(manifest)),
        _section("On workloads never seen", _figures(manifest.held_out)),
        _section("What its bounds promise", _promises(manifest)),
        _section("What it does not do", _LIMITS.format(ceiling=manifest.ceiling)),
        _section("Inputs and outputs", _graphs(manifest.graphs)),
        _section("Where it comes from", _origin(manifest, digest)),
    )
    return "\n\n".join(parts) + "\n"


def summary(manifest: Manifest, role: GraphRole | None = None) -> str:
    """A few lines for a registry's list, with the figures of one half of the bundle or of both."""
    figures = [figure for figure in manifest.held_out if role is None or figure.name.startswith(_PREFIX[role])]
    told = [figure for figure in figures if figure.name.endswith((".coverage", ".tightness", "macro_f1"))]
    return f"{_warning(manifest)}\n\n{_figures(told)}\n\nThe model card is `{CARD_FILE}` of the run."


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n{text}"


def _warning(manifest: Manifest) -> str:
    if manifest.simulated:
        return "**Trained on simulated counters.** Its figures say nothing of hardware."
    return "Trained on measured counters."


_PURPOSE = (
    "It judges which contention axes are pressed in a Sapphire Rapids domain, and bounds how much a workload slows "
    "down beside given others. Leeward's agent uses the former, its scheduler extender the latter."
)

_LIMITS = (
    "It knows one microarchitecture. Beyond the pressures that training saw, a bound is the ceiling of {ceiling:g} and "
    "says so. A bound is stated for a random window of a workload like those trained on, not for each workload. An "
    "axis that has no graph is not judged."
)


def _training_data(manifest: Manifest) -> str:
    groups = manifest.training_groups
    named = ", ".join(groups[:_SHOWN_GROUPS]) + (", ..." if len(groups) > _SHOWN_GROUPS else "")
    return f"Labelled traces `{manifest.training_data}` of {len(groups)} workload groups: {named}."


def _figures(figures: Sequence[HeldOutFigure]) -> str:
    if not figures:
        return "No figure was taken."
    rows = ((f.name, f"{f.value:.3f}", f"{f.lower:.3f} to {f.upper:.3f}", str(f.groups)) for f in figures)
    return _table(("figure", "value", "interval over groups", "groups"), rows)


def _promises(manifest: Manifest) -> str:
    rows = (
        (c.tier.value, f"{c.rate:.0%}", str(c.groups), f"{c.supported_rate:.1%}", f"{c.log_margin:+.3f}")
        for c in manifest.bound_calibrations
    )
    return _table(("known by", "stated rate", "groups", "highest rate they support", "log margin"), rows)


def _graphs(graphs: Iterable[Graph]) -> str:
    rows = (
        (
            graph.file,
            graph.axis.value if graph.axis is not None else f"quantile {graph.quantile:g}",
            f"{graph.input.name}, {len(graph.columns)} columns of float32",
            graph.output.name,
        )
        for graph in graphs
    )
    return _table(("graph", "of", "input", "output"), rows)


def _origin(manifest: Manifest, digest: str) -> str:
    libraries = ", ".join(f"{library.name} {library.version}" for library in manifest.libraries)
    licences = ", ".join(f"{licence.part} {licence.spdx}" for licence in manifest.licences)
    return "\n".join(
        (
            f"- made {manifest.created:%Y-%m-%d %H:%M:%S} UTC",
            f"- bundle `{digest}`",
            f"- feature schema `{manifest.feature_schema}`",
            f"- made with {libraries or 'libraries that it does not name'}",
            f"- licences: {licences or 'none named'}",
        )
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))
    return "\n".join(lines)
