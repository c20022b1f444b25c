from itertools import pairwise

import matplotlib as mpl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.pictures.gallery import svg_of
from eval.pictures.style import BLUE, Line, draw_lines, house_style, panel, sheet, spread_out


def figure() -> mpl.figure.Figure:
    drawn, (axes,) = sheet("A law", "What is shown.", columns=1)
    panel(axes, title="one panel", x="x, s", y="y, s")
    draw_lines(axes, [Line(xs=(0.0, 1.0), ys=(0.0, 1.0), name="rises", colour=BLUE)])
    return drawn


def test_one_figure_gives_the_same_bytes_each_time() -> None:
    assert svg_of(figure) == svg_of(figure)


def test_a_users_own_settings_do_not_count() -> None:
    expected = svg_of(figure)
    with mpl.rc_context({"font.size": 30.0, "axes.grid": False, "svg.fonttype": "none", "lines.linewidth": 9.0}):
        assert svg_of(figure) == expected
        assert mpl.rcParams["font.size"] == 30.0


def test_every_sheet_says_that_it_is_simulated() -> None:
    assert b"Simulated. What is shown." in svg_of(figure)


def test_a_file_tells_neither_date_nor_version() -> None:
    assert b"<dc:date>" not in svg_of(figure)
    assert mpl.__version__.encode() not in svg_of(figure)


def test_panels_keep_the_distance_that_was_asked_for() -> None:
    with house_style():
        drawn, panels = sheet("A law", "What.", columns=3, rows=2, height=6.0, between=0.8)
    width, height = drawn.get_size_inches()
    boxes = [axes.get_position() for axes in panels]
    assert (boxes[1].x0 - boxes[0].x1) * width == pytest.approx(0.8)
    assert (boxes[0].y0 - boxes[3].y1) * height > 0.5


@given(st.lists(st.floats(0.0, 500.0), min_size=1, max_size=8), st.floats(1.0, 30.0))
def test_labels_are_moved_apart_and_keep_their_order(heights: list[float], least: float) -> None:
    moved = spread_out(heights, least=least)
    order = sorted(range(len(heights)), key=lambda index: heights[index])
    assert all(moved[above] - moved[below] >= least - 1e-6 for below, above in pairwise(order))
    assert sum(moved) == pytest.approx(sum(heights), abs=1e-6)


def test_labels_far_from_one_another_stay() -> None:
    assert spread_out([30.0, 10.0, 50.0], least=5.0) == [30.0, 10.0, 50.0]
