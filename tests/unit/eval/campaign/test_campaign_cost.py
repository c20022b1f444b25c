"""What the benchmark of campaigns measures is what a campaign leaves."""

from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from eval.campaign.settings import small_settings
from pipelines.dataset import PARTS
from tests.bench.campaign_cost import measured

FEW = replace(
    small_settings(seed=1), workloads=("upf-large", "amf"), axes=small_settings(seed=1).axes[:1], mixes=2, nodes=2
)


def test_a_measured_campaign_is_whole_and_counted(tmp_path: Path) -> None:
    cost = measured(FEW, tmp_path)
    (campaign,) = tmp_path.iterdir()
    assert cost.rows == sum(pq.read_metadata(file).num_rows for file in campaign.glob(PARTS)) > 0
    assert cost.vectors > 0
    assert cost.disk_bytes > sum(file.stat().st_size for file in campaign.glob(PARTS))
    kernel_rounds_its_peak_by_mib = 1.0
    assert 50.0 < cost.imported_mib <= cost.peak_mib + kernel_rounds_its_peak_by_mib < 4000.0
