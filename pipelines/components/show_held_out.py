# ruff: noqa: PLC0415
"""What a registered version said of workloads never seen."""

from kfp import dsl


def show_held_out(  # noqa: PLR0917 - kfp calls it
    registration: str,
    registry: str,
    settings: str,
    figures: dsl.Output[dsl.Metrics],
    regimes: dsl.Output[dsl.ClassificationMetrics],
    coverage: dsl.Output[dsl.HTML],
) -> None:
    """Fetch a version's held-out predictions and show them; nothing is fitted."""
    from pathlib import Path

    from pipelines.steps import show_held_out_step

    shown = show_held_out_step(registration, registry, settings)
    for name, value in shown.figures.items():
        figures.log_metric(name, value)
    regimes.log_confusion_matrix(list(shown.confusion.regimes), [list(row) for row in shown.confusion.counts])
    Path(coverage.path).write_text(shown.coverage)
