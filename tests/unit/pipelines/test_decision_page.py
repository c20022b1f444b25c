"""The page of a decision: the verdict first, what refuses marked, every check in a row."""

from pipelines.decision_page import decision_page
from pipelines.gate import GateDecision, HeldOutCheck, LimitCheck
from pipelines.gate_figures import Measured

REFUSAL = "bundle_bytes 17000000 | of <16777216>"


def page(*, promoted: bool) -> str:
    return decision_page(
        GateDecision(
            promoted=promoted,
            reasons=("there is no champion to compare with", REFUSAL),
            refusals=() if promoted else (REFUSAL,),
            held_out=HeldOutCheck(groups=2, not_held_out=("a_b", "c"), held=promoted),
            limits=(LimitCheck(what=Measured.BUNDLE_BYTES, value=17e6, limit=16_777_216.0, held=promoted),),
        ),
        model="leeward",
        version="7",
    )


def test_a_refusal_is_named_first_and_marked() -> None:
    lines = page(promoted=False).splitlines()
    assert lines[0] == "# leeward version 7 was not promoted"
    assert "- there is no champion to compare with" in lines
    assert "- **refused:** bundle\\_bytes 17000000 \\| of &lt;16777216>" in lines


def test_a_promotion_marks_nothing() -> None:
    text = page(promoted=True)
    assert text.startswith("# leeward version 7 is now champion\n")
    assert "refused" not in text


def test_every_check_has_a_row_with_its_figures_written_out() -> None:
    rows = [line for line in page(promoted=False).splitlines() if line.startswith("| ")]
    assert rows == [
        "| check | figures | held |",
        "| held out | groups 2, not held out a\\_b, c | **no** |",
        "| limits | what bundle bytes, value 17,000,000, limit 16,777,216 | **no** |",
    ]
