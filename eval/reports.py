"""Reports on disk: ``<state>/reports``, each replaced atomically."""

from pathlib import Path

from contracts.model import Document
from serving.replacement import replace_file

REPORTS = "reports"


def report_path(state: Path, file: str) -> Path:
    """Where a report lies."""
    return state / REPORTS / file


def write_report(report: Document, state: Path, file: str) -> Path:
    """Write a report as JSON; a reader sees the old one or the new one.

    Returns:
        Where it lies.
    """
    path = report_path(state, file)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, report.to_json(indent=2) + b"\n")
    return path
