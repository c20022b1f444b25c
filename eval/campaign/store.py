"""A campaign on disk.

<directory>/traces.parquet     labelled trace v1, one row a window and victim
<directory>/profiles.jsonl     workload profile v1, one a line
<directory>/vectors.parquet    feature vector v1, one row a window and domain
"""

import os
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.profile import WorkloadProfile
from contracts.trace_arrow import from_arrow as traces_from_arrow
from contracts.trace_arrow import to_arrow as traces_to_arrow
from contracts.vector_arrow import from_arrow as vectors_from_arrow
from contracts.vector_arrow import to_arrow as vectors_to_arrow
from eval.campaign.campaign import Campaign
from eval.campaign.errors import CampaignError

TRACES_FILE = "traces.parquet"
PROFILES_FILE = "profiles.jsonl"
VECTORS_FILE = "vectors.parquet"


def write_campaign(campaign: Campaign, directory: Path) -> None:
    """Write a campaign; each file is replaced atomically, the traces last, so that a reader finds what rows name."""
    directory.mkdir(parents=True, exist_ok=True)
    profiles = b"".join(profile.to_json() + b"\n" for profile in campaign.profiles)
    _replace(directory / PROFILES_FILE, profiles)
    _replace(directory / VECTORS_FILE, _parquet(vectors_to_arrow(campaign.vectors)))
    _replace(directory / TRACES_FILE, _parquet(traces_to_arrow(campaign.rows)))


def read_campaign(directory: Path) -> Campaign:
    """Read a campaign.

    Raises:
        CampaignError: a file is missing or torn.
        ContractError: a row, a profile or a vector breaks its contract.
    """
    try:
        profiles = (directory / PROFILES_FILE).read_bytes().splitlines()
        traces = _table(directory / TRACES_FILE)
        vectors = _table(directory / VECTORS_FILE)
    except FileNotFoundError as error:
        raise CampaignError(f"no campaign in {directory}: {error.filename} is missing; run one first") from error
    except pa.ArrowInvalid as error:
        raise CampaignError(f"the campaign in {directory} is torn: {error}; run it again") from error
    return Campaign(
        rows=traces_from_arrow(traces),
        profiles=tuple(WorkloadProfile.from_json(line) for line in profiles),
        vectors=vectors_from_arrow(vectors),
    )


def _table(path: Path) -> pa.Table:
    return pq.read_table(pa.BufferReader(path.read_bytes()))


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())


def _replace(path: Path, content: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), 0o644)
    Path(name).replace(path)
