from eval.placement.compare import compare
from eval.placement.mix import Mix
from eval.placement.picture import write_picture
from eval.placement.policies import PolicyName
from eval.placement.report import PLACEMENT_FILE, PlacementReport
from eval.placement.settings import PlacementSettings, settings_for
from eval.placement.table import render_placement

__all__ = [
    "PLACEMENT_FILE",
    "Mix",
    "PlacementReport",
    "PlacementSettings",
    "PolicyName",
    "compare",
    "render_placement",
    "settings_for",
    "write_picture",
]
