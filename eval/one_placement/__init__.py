from eval.one_placement.answer import PlacedNode, Placement
from eval.one_placement.ask import ask_extender
from eval.one_placement.measured import MeasuredCluster, measure_cluster
from eval.one_placement.table import render_placement_answer

__all__ = [
    "MeasuredCluster",
    "PlacedNode",
    "Placement",
    "ask_extender",
    "measure_cluster",
    "render_placement_answer",
]
