"""Placements that Hypothesis draws: anything that a record may say."""

from datetime import timedelta

from hypothesis import strategies as st

from eval.shadow.placement import PlacedParty, Placement
from tests.unit.eval.shadow.site import BEGAN, CHAMPION

RATIOS = st.none() | st.floats(min_value=0.1, max_value=10.0)
NAMES = st.sampled_from("abcdefghijklmnop")
PARTIES = st.builds(
    PlacedParty,
    uid=NAMES,
    namespace=st.sampled_from(["core", "edge"]),
    workload=NAMES,
    domain=st.sampled_from(["socket0", "socket1"]),
    newcomer=st.booleans(),
    bound=st.floats(min_value=1.0, max_value=10.0),
    tolerance=st.floats(min_value=1.0, max_value=10.0),
)


@st.composite
def placement(draw: st.DrawFn, uid: str) -> Placement:
    best_score = draw(st.integers(min_value=0, max_value=10))
    score = draw(st.none() | st.integers(min_value=0, max_value=best_score))
    return Placement(
        decided=BEGAN + timedelta(seconds=draw(st.integers(min_value=0, max_value=7 * 86_400))),
        uid=uid,
        namespace=draw(st.sampled_from(["core", "edge"])),
        workload=draw(NAMES),
        node=draw(NAMES),
        champion=CHAMPION,
        shadowed=draw(st.booleans()),
        required=draw(st.booleans()),
        nodes=3,
        failed=draw(st.integers(min_value=0, max_value=3)),
        score=score,
        ratio=None if score is None else draw(RATIOS),
        best_score=best_score,
        best_ratio=draw(RATIOS),
        parties=draw(st.none() | st.lists(PARTIES, max_size=4).map(tuple)),
    )


@st.composite
def many_placements(draw: st.DrawFn) -> tuple[Placement, ...]:
    count = draw(st.integers(min_value=0, max_value=12))
    return tuple(draw(placement(f"pod-{number}")) for number in range(count))
