"""What a training starts from: labelled traces, and the profiles that they name.

<directory>/traces.parquet     labelled trace v1, one row a window and victim
<directory>/profiles.jsonl     workload profile v1, one a line
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.errors import ContractError
from contracts.profile import PROFILE_DIGEST_V1, WorkloadProfile
from contracts.trace import TRACE_DIGEST_V1, LabelledTrace
from contracts.trace_arrow import from_arrow, to_arrow
from pipelines.errors import DataError
from serving.replacement import replace_file

TRACES_FILE = "traces.parquet"
PROFILES_FILE = "profiles.jsonl"


def dataset_directory(state: Path) -> Path:
    """Where a campaign leaves its traces for the training, within the state directory."""
    return state / "traces"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceDataset:
    """Labelled traces and every profile that they name.

    Raises:
        ContractError: there is no trace, a window and victim stand twice, or a profile is named that is not there.
    """

    traces: tuple[LabelledTrace, ...]
    profiles: tuple[WorkloadProfile, ...]

    def __post_init__(self) -> None:
        if not self.traces:
            raise ContractError("trace dataset is empty: run a characterisation campaign first")
        keys = Counter(trace_key(trace) for trace in self.traces)
        twice = next((key for key, count in keys.items() if count > 1), None)
        if twice is not None:
            raise ContractError(f"trace dataset: the row {'/'.join(map(str, twice))} stands {keys[twice]} times")
        known = self.profiles_by_digest.keys()
        for index, trace in enumerate(self.traces):
            for party in (trace.victim, *trace.co_runners):
                if party.profile not in known:
                    raise ContractError(
                        f"trace dataset: row {index} names profile {party.profile} of {party.key}, which is not among "
                        f"the {len(known)} profiles beside it: write traces and profiles together"
                    )

    @property
    def profiles_by_digest(self) -> Mapping[str, WorkloadProfile]:
        """Profiles as traces name them."""
        return MappingProxyType({profile.digest: profile for profile in self.profiles})

    @property
    def digest(self) -> str:
        """SHA-256 over both contracts' digests and all rows and profiles, in whatever order they lie."""
        lines = sorted(document.to_json() for document in (*self.traces, *self.profiles))
        content = b"\n".join([TRACE_DIGEST_V1.encode(), PROFILE_DIGEST_V1.encode(), *lines])
        return f"sha256:{hashlib.sha256(content).hexdigest()}"

    @property
    def simulated(self) -> bool:
        """Whether any row or profile comes from the testbed."""
        return any(trace.simulated for trace in self.traces) or any(profile.simulated for profile in self.profiles)


def trace_key(trace: LabelledTrace) -> tuple[str, str, str, int, str]:
    """What tells a row from all others: campaign, node, domain, window start, victim."""
    return trace.campaign, trace.node, trace.domain, trace.window_start_ns, trace.victim.key


def write_dataset(dataset: TraceDataset, directory: Path) -> str:
    """Write a dataset; both files are replaced atomically, profiles first, so that a reader finds what rows name.

    Returns:
        The dataset's digest.
    """
    directory.mkdir(parents=True, exist_ok=True)
    profiles = b"".join(profile.to_json() + b"\n" for profile in dataset.profiles)
    replace_file(directory / PROFILES_FILE, profiles)
    sink = pa.BufferOutputStream()
    pq.write_table(to_arrow(dataset.traces), sink, compression="zstd")
    replace_file(directory / TRACES_FILE, sink.getvalue().to_pybytes())
    return dataset.digest


def read_dataset(directory: Path) -> TraceDataset:
    """Read a dataset.

    Raises:
        DataError: a file is missing or torn.
        ContractError: a row, a profile, or what they are together breaks the contract.
    """
    try:
        lines = (directory / PROFILES_FILE).read_bytes().splitlines()
        table = pq.read_table(pa.BufferReader((directory / TRACES_FILE).read_bytes()))
    except FileNotFoundError as error:
        raise DataError(f"no traces to train on: {error.filename} is missing; run a campaign first") from error
    except pa.ArrowInvalid as error:
        raise DataError(f"{directory / TRACES_FILE} is torn or no Parquet: {error}; run the campaign again") from error
    return TraceDataset(traces=from_arrow(table), profiles=tuple(WorkloadProfile.from_json(line) for line in lines))
