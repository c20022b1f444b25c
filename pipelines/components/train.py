# ruff: noqa: PLC0415
"""Label, fit, calibrate, hold out and export, all folds in one process."""

from kfp import dsl


def train(  # noqa: PLR0917 - kfp calls it
    extracted: dsl.Input[dsl.Dataset],
    settings: str,
    engine: str,
    trained: dsl.Output[dsl.Model],
    figures: dsl.Output[dsl.Metrics],
    regimes: dsl.Output[dsl.ClassificationMetrics],
    coverage: dsl.Output[dsl.HTML],
    labels: dsl.Output[dsl.Markdown],
) -> str:
    """Train on everything and without each fold, and show what was said of workloads never seen."""
    from pathlib import Path

    from pipelines.shown import labels_page
    from pipelines.steps import train_step

    shown, report = train_step(Path(extracted.path), settings, Path(trained.path), engine=engine)
    for name, value in shown.figures.items():
        figures.log_metric(name, value)
    regimes.log_confusion_matrix(list(shown.confusion.regimes), [list(row) for row in shown.confusion.counts])
    Path(coverage.path).write_text(shown.coverage)
    Path(labels.path).write_text(labels_page(report))
    return report.to_json().decode()
