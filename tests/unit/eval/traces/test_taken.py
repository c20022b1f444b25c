"""Validated traces as campaigns of a state directory."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from contracts.trace_arrow import to_arrow
from contracts.vector import FeatureVector
from eval.campaign.errors import CampaignError
from eval.campaign.store import KeptInDirectory
from eval.traces.errors import DatasetError
from eval.traces.taken import take_into
from pipelines.dataset import PARTS, partition, read_dataset
from tests.unit.eval.traces.lab import rows, write


def vectors_of(kept: KeptInDirectory) -> list[FeatureVector]:
    return [vector for piece in kept.vectors(at_most=5) for vector in piece]


def test_rows_profiles_and_vectors_come_along(tmp_path: Path) -> None:
    sent = write(tmp_path / "sent")
    (kept,) = take_into(tmp_path / "traces", sent)
    assert read_dataset(tmp_path / "traces") == read_dataset(sent)
    assert (kept.name, len(vectors_of(kept))) == ("lab", kept.measured.vectors)
    assert kept.measured.rows == sum(len(piece) for piece in kept.labels(at_most=5)) == len(rows())
    assert max(len(piece) for piece in kept.labels(at_most=5)) == 5


def test_a_folder_a_campaign_is_taken_part_by_part(tmp_path: Path) -> None:
    (first,) = take_into(tmp_path / "first", write(tmp_path / "sent"))
    place = partition(tmp_path / "first", "other")
    others = [row.model_copy(update={"campaign": "other", "node": "lab-2"}) for row in rows()]
    shutil.copytree(first.path, place)
    for number in range(3):
        pq.write_table(to_arrow(others[number::3]), place / f"part-{number:04d}.parquet")
    taken = take_into(tmp_path / "second", tmp_path / "first")
    assert [(kept.name, len(list(kept.path.glob(PARTS)))) for kept in taken] == [("lab", 1), ("other", 3)]
    assert read_dataset(tmp_path / "second") == read_dataset(tmp_path / "first")


def test_changed_files_of_a_name_that_is_taken_are_refused(tmp_path: Path) -> None:
    take_into(tmp_path / "traces", write(tmp_path / "sent"))
    again = write(tmp_path / "again", traces=rows()[:4])
    with pytest.raises(CampaignError, match="holds a campaign of other settings"):
        take_into(tmp_path / "traces", again)
    assert read_dataset(tmp_path / "traces").traces == rows()


@pytest.mark.parametrize(
    ("campaigns", "error", "sentence"),
    [
        pytest.param({"one", "two"}, DatasetError, r"2 campaigns \(one, two\): one is meant", id="two"),
        pytest.param({"foreign:lab"}, DatasetError, "CPU that is not characterised", id="foreign"),
        pytest.param({"../lab"}, CampaignError, "can't be called '../lab'", id="elsewhere"),
    ],
)
def test_what_can_be_no_campaign_is_refused(
    campaigns: set[str], error: type[Exception], sentence: str, tmp_path: Path
) -> None:
    names = sorted(campaigns)
    named = [row.model_copy(update={"campaign": names[place % len(names)]}) for place, row in enumerate(rows())]
    with pytest.raises(error, match=sentence):
        take_into(tmp_path / "traces", write(tmp_path / "sent", traces=named))
    assert not (tmp_path / "traces").exists()


def test_traces_without_vectors_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has no vectors: the training compares each row with them"):
        take_into(tmp_path / "traces", write(tmp_path / "sent", vectors=False))
