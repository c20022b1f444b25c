from eval.placement.compare import compare
from eval.placement.mix import Mix
from eval.placement.packing import compare_packing
from eval.placement.packing_picture import write_packing_picture
from eval.placement.packing_table import render_packing
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
    "compare_packing",
    "render_packing",
    "render_placement",
    "settings_for",
    "write_packing_picture",
    "write_picture",
]
