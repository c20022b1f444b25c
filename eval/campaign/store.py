"""A campaign on disk: the dataset that the training reads, and beside it every vector.

<directory>/traces.parquet     labelled trace v1, one row a window and victim
<directory>/profiles.jsonl     workload profile v1, one a line
<directory>/vectors.parquet    feature vector v1, one row a window and domain
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.vector_arrow import from_arrow, to_arrow
from eval.campaign.campaign import Campaign
from eval.campaign.errors import CampaignError
from pipelines.dataset import TraceDataset, read_dataset, write_dataset
from pipelines.errors import DataError
from serving.replacement import replace_file

VECTORS_FILE = "vectors.parquet"


def write_campaign(campaign: Campaign, directory: Path) -> None:
    """Write a campaign; each file is replaced atomically, the traces last, so that a reader finds what rows name."""
    directory.mkdir(parents=True, exist_ok=True)
    sink = pa.BufferOutputStream()
    pq.write_table(to_arrow(campaign.vectors), sink, compression="zstd")
    replace_file(directory / VECTORS_FILE, sink.getvalue().to_pybytes())
    write_dataset(TraceDataset(traces=campaign.rows, profiles=campaign.profiles), directory)


def read_campaign(directory: Path) -> Campaign:
    """Read a campaign.

    Raises:
        CampaignError: a file is missing or torn.
        ContractError: a row, a profile or a vector breaks its contract.
    """
    try:
        dataset = read_dataset(directory)
        vectors = pq.read_table(pa.BufferReader((directory / VECTORS_FILE).read_bytes()))
    except DataError as error:
        raise CampaignError(str(error)) from error
    except FileNotFoundError as error:
        raise CampaignError(f"no vectors of a campaign: {error.filename} is missing; run a campaign first") from error
    except pa.ArrowInvalid as error:
        raise CampaignError(
            f"{directory / VECTORS_FILE} is torn or no Parquet: {error}; run the campaign again"
        ) from error
    return Campaign(rows=dataset.traces, profiles=dataset.profiles, vectors=from_arrow(vectors))
