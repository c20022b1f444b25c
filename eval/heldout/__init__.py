from eval.heldout.evaluate import evaluate_held_out, held_out_report
from eval.heldout.report import HELD_OUT_FILE, HeldOutReport
from eval.heldout.table import render_held_out

__all__ = ["HELD_OUT_FILE", "HeldOutReport", "evaluate_held_out", "held_out_report", "render_held_out"]
