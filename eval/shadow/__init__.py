"""The counterfactual record: what Leeward would have changed while it only looked on."""

from eval.shadow.build import shadow_report
from eval.shadow.report import SHADOW_FILE, ShadowReport
from eval.shadow.selection import Selection

__all__ = ["SHADOW_FILE", "Selection", "ShadowReport", "shadow_report"]
