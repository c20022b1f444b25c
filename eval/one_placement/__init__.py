from eval.one_placement.answer import Placement
from eval.one_placement.ask import ask_extender
from eval.one_placement.measured import MeasuredCluster, measure_cluster
from eval.one_placement.table import render_answers

__all__ = ["MeasuredCluster", "Placement", "ask_extender", "measure_cluster", "render_answers"]
