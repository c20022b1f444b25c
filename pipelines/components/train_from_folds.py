# ruff: noqa: PLC0415
"""Calibrate, hold out and export, from fits that were made fold by fold."""

from typing import List  # noqa: UP035 - kfp reads this name

from kfp import dsl


def train_from_folds(  # noqa: PLR0917 - kfp calls it
    extracted: dsl.Input[dsl.Dataset],
    fits: dsl.Input[List[dsl.Model]],  # noqa: UP006
    settings: str,
    engine: str,
    trained: dsl.Output[dsl.Model],
    figures: dsl.Output[dsl.Metrics],
    regimes: dsl.Output[dsl.ClassificationMetrics],
    coverage: dsl.Output[dsl.HTML],
    labels: dsl.Output[dsl.Markdown],
) -> str:
    """Fit on everything, add the folds' fits, and show what was said of workloads never seen."""
    from pathlib import Path

    from pipelines.shown import labels_page
    from pipelines.steps import train_step

    made = [Path(fold.path) for fold in fits]
    shown, report = train_step(Path(extracted.path), settings, Path(trained.path), fits=made, engine=engine)
    for name, value in shown.figures.items():
        figures.log_metric(name, value)
    regimes.log_confusion_matrix(list(shown.confusion.regimes), [list(row) for row in shown.confusion.counts])
    Path(coverage.path).write_text(shown.coverage)
    Path(labels.path).write_text(labels_page(report))
    return report.to_json().decode()
