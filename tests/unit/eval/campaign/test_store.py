from pathlib import Path

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from contracts.errors import ContractError
from eval.campaign import Campaign, CampaignSettings, KeptInDirectory, run_into
from eval.campaign.errors import CampaignError
from eval.campaign.part import Part
from eval.campaign.store import VECTORS_FILE, Measured
from pipelines.dataset import PROFILES_FILE, TRACES_FILE, TraceDataset, read_dataset, write_dataset
from pipelines.errors import DataError

TINY = CampaignSettings(name="tiny", workloads=("amf", "batch"), intensities=(1.0,), mixes=4)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    traces = tmp_path_factory.mktemp("traces")
    run_into(traces, TINY)
    return traces


def kept_in(traces: Path, *, settings: bytes = b"{}") -> KeptInDirectory:
    return KeptInDirectory(traces, name="small", settings=settings)


def keep(kept: KeptInDirectory, campaign: Campaign) -> None:
    """The campaign in two parts: its profiles with half its rows, and the other half."""
    half, half_of_vectors = len(campaign.rows) // 2, len(campaign.vectors) // 2
    vectors = campaign.vectors
    with kept.claimed():
        kept.keep(
            0,
            Part(rows=campaign.rows[:half], profiles=campaign.profiles, vectors=vectors[:half_of_vectors]),
        )
        kept.keep(1, Part(rows=campaign.rows[half:], vectors=vectors[half_of_vectors:]))


def test_what_is_kept_is_read_as_it_was(campaign: Campaign, tmp_path: Path) -> None:
    kept = kept_in(tmp_path / "deep" / "traces")
    keep(kept, campaign)
    kept.complete()
    dataset = read_dataset(tmp_path / "deep" / "traces")
    assert (dataset.traces, dataset.profiles) == (campaign.rows, campaign.profiles)
    batches = list(kept.vectors(at_most=100))
    assert {len(batch) for batch in batches[:-1]} == {100}
    read = [(each.node, each.domain, each.window_start_ns, each.values.tobytes()) for b in batches for each in b]
    assert read == [(v.node, v.domain, v.window_start_ns, v.values.tobytes()) for v in campaign.vectors]
    assert kept.measured == Measured(
        rows=len(campaign.rows), profiles=len(campaign.profiles), vectors=len(campaign.vectors)
    )


def test_readers_of_partitioned_data_sets_see_rows_and_nothing_else(tiny: Path) -> None:
    table = ds.dataset(tiny, format="parquet", partitioning="hive", exclude_invalid_files=True).to_table()
    assert table.num_rows == kept_rows(tiny)
    assert set(table.column("campaign").to_pylist()) == {"tiny"}


def kept_rows(traces: Path) -> int:
    return len(read_dataset(traces).traces)


def test_a_campaign_that_is_not_whole_is_not_trained_on(campaign: Campaign, tmp_path: Path) -> None:
    kept = kept_in(tmp_path)
    keep(kept, campaign)
    with pytest.raises(DataError, match=r"campaign=small is not whole: run it again, it goes on where it stopped"):
        read_dataset(tmp_path)
    with pytest.raises(CampaignError, match="is not whole"):
        _ = kept.measured


def test_a_part_is_there_only_once_its_rows_are(campaign: Campaign, tmp_path: Path) -> None:
    kept = kept_in(tmp_path)
    keep(kept, campaign)
    assert kept.has(0)
    (kept.path / "part-0000.parquet").unlink()
    assert not kept.has(0)
    assert kept.has(1)


def test_other_settings_are_refused_and_nothing_is_touched(tiny: Path) -> None:
    before = {file: file.read_bytes() for file in tiny.rglob("*") if file.is_file()}
    with pytest.raises(CampaignError, match=r"holds a campaign of other settings .*name another state directory"):
        run_into(tiny, CampaignSettings(name="tiny", workloads=("amf", "batch"), intensities=(1.0,), mixes=5))
    assert {file: file.read_bytes() for file in tiny.rglob("*") if file.is_file()} == before


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    with (
        kept_in(tmp_path).claimed(),
        pytest.raises(CampaignError, match="is being run: wait until it is done"),
        kept_in(tmp_path).claimed(),
    ):
        pass
    with kept_in(tmp_path).claimed():
        pass


def test_campaigns_lie_beside_one_another_and_beside_one_in_one_file(campaign: Campaign, tmp_path: Path) -> None:
    run_into(tmp_path, TINY)
    alone = read_dataset(tmp_path)
    write_dataset(TraceDataset(traces=campaign.rows, profiles=campaign.profiles), tmp_path)
    both = read_dataset(tmp_path)
    assert both.traces == (*alone.traces, *campaign.rows)
    assert {profile.digest for profile in both.profiles} == {
        profile.digest for profile in (*alone.profiles, *campaign.profiles)
    }


def test_a_campaign_in_one_file_gives_way_to_the_same_in_parts(campaign: Campaign, tmp_path: Path) -> None:
    write_dataset(TraceDataset(traces=campaign.rows, profiles=campaign.profiles), tmp_path)
    (tmp_path / VECTORS_FILE).write_bytes(b"of before")
    kept = kept_in(tmp_path)
    keep(kept, campaign)
    assert (tmp_path / TRACES_FILE).exists()
    kept.complete()
    assert [file.name for file in tmp_path.iterdir()] == ["campaign=small"]
    assert read_dataset(tmp_path).traces == campaign.rows


def test_another_campaign_in_one_file_stays(campaign: Campaign, tmp_path: Path) -> None:
    write_dataset(TraceDataset(traces=campaign.rows, profiles=campaign.profiles), tmp_path)
    run_into(tmp_path, TINY)
    assert (tmp_path / TRACES_FILE).exists()


def test_torn_files_are_named(campaign: Campaign, tmp_path: Path) -> None:
    kept = kept_in(tmp_path)
    keep(kept, campaign)
    kept.complete()
    for file in (kept.path / "part-0001.parquet", kept.path / "_vectors" / "part-0001.parquet"):
        file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(CampaignError, match=r"_vectors/part-0001\.parquet is torn or no Parquet"):
        list(kept.vectors(at_most=10))
    with pytest.raises(CampaignError, match=r"part-0001\.parquet is torn or no Parquet"):
        kept.rows(1)
    with pytest.raises(DataError, match=r"part-0001\.parquet is torn or no Parquet: .*; delete it"):
        read_dataset(tmp_path)


def test_a_torn_profile_breaks_the_contract(campaign: Campaign, tmp_path: Path) -> None:
    kept = kept_in(tmp_path)
    keep(kept, campaign)
    kept.complete()
    (kept.path / PROFILES_FILE).write_bytes(b"{\n")
    with pytest.raises(ContractError, match="WorkloadProfile is refused"):
        read_dataset(tmp_path)


def test_a_part_that_was_lost_is_measured_again(tmp_path: Path) -> None:
    run_into(tmp_path, TINY)
    place = tmp_path / "campaign=tiny"
    before = {file: file.read_bytes() for file in place.rglob("*") if file.is_file()}
    lost = sorted(place.glob("part-*.parquet"))
    for file in (lost[0], lost[1], lost[-1]):
        file.unlink()
    run_into(tmp_path, TINY)
    assert {file: file.read_bytes() for file in place.rglob("*") if file.is_file()} == before


def test_rows_of_another_version_are_not_gone_on_from(tmp_path: Path) -> None:
    run_into(tmp_path, TINY)
    place = tmp_path / "campaign=tiny"
    series = next(file for file in sorted(place.glob("part-*.parquet"))[1:17] if pq.read_metadata(file).num_rows)
    table = pq.read_table(series)
    pq.write_table(table.slice(1), series)
    number = int(series.stem.removeprefix("part-"))
    (place / f"part-{number + 16:04d}.parquet").unlink()
    with pytest.raises(CampaignError, match=rf"part {number} of campaign tiny is not what this version measures"):
        run_into(tmp_path, TINY)
