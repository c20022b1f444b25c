from pathlib import Path

from contracts.bundle import HeldOutFigure
from eval.cells import count_cell, named_cell, number_cell, share_cell
from eval.figure import Figure
from eval.reports import report_path, write_report
from pipelines.bootstrap import Interval

FIGURE = Figure(value=0.7, lower=0.394, upper=0.906, units=10)


def test_an_interval_is_cut_to_what_its_figure_can_be() -> None:
    figure = Figure.of(Interval(value=0.02, lower=-0.1, upper=1.3), units=3, least=0.0, most=1.0)
    assert (figure.lower, figure.value, figure.upper, figure.units) == (0.0, 0.02, 1.0, 3)


def test_a_figure_of_the_training_keeps_its_groups() -> None:
    held_out = HeldOutFigure(name="regime.macro_f1", value=0.9, lower=0.8, upper=0.95, groups=10)
    assert Figure.over_groups(held_out) == Figure(value=0.9, lower=0.8, upper=0.95, units=10)


def test_cells_have_the_interval_below() -> None:
    assert share_cell(FIGURE).plain == "70 %\n39-91"
    assert share_cell(FIGURE, decimals=1).plain == "70.0 %\n39-91"
    assert number_cell(FIGURE).plain == "0.70\n0.39-0.91"
    assert count_cell(FIGURE).plain == "7 of 10\n39-91 %"
    assert named_cell("60 %", "upf").plain == "60 %\nupf"


def test_a_share_below_zero_is_told_from_a_range() -> None:
    assert share_cell(Figure(value=-0.01, lower=-0.05, upper=0.03, units=3)).plain == "-1 %\n-5 to 3"


def test_a_report_replaces_the_one_before(tmp_path: Path) -> None:
    for value in (0.1, 0.2):
        path = write_report(FIGURE.model_copy(update={"value": value}), tmp_path, "figure.json")
    assert path == report_path(tmp_path, "figure.json")
    assert Figure.from_json(path.read_bytes()).value == 0.2
    assert [entry.name for entry in path.parent.iterdir()] == ["figure.json"]
