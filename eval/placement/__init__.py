from eval.placement.compare import compare
from eval.placement.report import PLACEMENT_FILE, PlacementReport
from eval.placement.settings import PlacementSettings
from eval.placement.table import render_placement

__all__ = ["PLACEMENT_FILE", "PlacementReport", "PlacementSettings", "compare", "render_placement"]
