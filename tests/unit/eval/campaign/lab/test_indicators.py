from pathlib import Path

import numpy as np
import pytest

from contracts.features import FEATURE_SCHEMA_V1
from contracts.vector import FeatureVector
from eval.campaign.errors import CampaignError
from eval.campaign.lab.indicators import INDICATOR_COLUMNS, Indicators

SECOND = 1_000_000_000


def written(directory: Path, *lines: str) -> Path:
    file = directory / "indicators.csv"
    file.write_text("\n".join([",".join(INDICATOR_COLUMNS), *lines, ""]))
    return file


def window_ending_at(seconds: int, *, node: str = "n") -> FeatureVector:
    values = np.full(len(FEATURE_SCHEMA_V1), np.nan, dtype=np.float32)
    start_ns = (seconds - 10) * SECOND
    return FeatureVector(
        node=node, domain="socket0", window_start_ns=start_ns, window_length_ns=10 * SECOND, values=values
    )


def test_the_value_nearest_to_the_windows_end_counts(tmp_path: Path) -> None:
    lines = ("n,socket0,upf,103.1,3", '"n","socket0","upf",101,"1"', "n,socket0,upf,98.5,2", "m,socket0,upf,100,9")
    indicators = Indicators(written(tmp_path, *lines), tolerance_ns=2 * SECOND)
    assert indicators.of("upf", window_ending_at(100)) == 1.0
    assert indicators.of("upf", window_ending_at(99)) == 2.0
    assert indicators.of("upf", window_ending_at(105)) == 3.0
    assert indicators.of("upf", window_ending_at(106)) is None
    assert indicators.of("upf", window_ending_at(96)) is None
    assert indicators.of("amf", window_ending_at(100)) is None
    assert indicators.of("upf", window_ending_at(100, node="m")) == 9.0


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-1", "fast", ""])
def test_what_was_not_measured_is_refused_with_its_line(tmp_path: Path, value: str) -> None:
    with pytest.raises(CampaignError, match=r"indicators\.csv, line 3: "):
        Indicators(written(tmp_path, "n,socket0,upf,100,1", f"n,socket0,upf,101,{value}"), tolerance_ns=0)
