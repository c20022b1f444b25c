"""What a training starts from: labelled traces, and the profiles that they name.

Traces lie in one file, as steps of the pipeline hand them on:

<directory>/traces.parquet     labelled trace v1, one row a window and victim
<directory>/profiles.jsonl     workload profile v1, one a line

or part by part and campaign by campaign, as campaigns leave them, or both:

<directory>/campaign=<name>/part-*.parquet    labelled trace v1
<directory>/campaign=<name>/profiles.jsonl    workload profile v1
<directory>/campaign=<name>/_settings.json    there where Leeward runs the campaign
<directory>/campaign=<name>/_complete.json    there once it is whole
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
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
PARTS = "part-*.parquet"
VECTORS_FOLDER = "_vectors"
"""Within a campaign's directory: the vectors of all its windows."""
SETTINGS_FILE = "_settings.json"
COMPLETE_FILE = "_complete.json"
FOREIGN = "foreign:"
"""How the names of campaigns begin whose rows were measured on a CPU that is not characterised."""
_CAMPAIGN = "campaign="


def dataset_directory(state: Path) -> Path:
    """Where a campaign leaves its traces for the training, within the state directory."""
    return state / "traces"


def partition(directory: Path, campaign: str) -> Path:
    """Where the parts of one campaign lie."""
    return directory / f"{_CAMPAIGN}{campaign}"


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
    """Read a dataset: all campaigns in it.

    Raises:
        DataError: a file is missing or torn, a campaign is not whole, or it was measured on another CPU.
        ContractError: a row, a profile, or what they are together breaks the contract.
    """
    partitions = sorted(directory.glob(f"{_CAMPAIGN}*"))
    files = [file for place in partitions for file in _parts(place)]
    places = list(partitions)
    if (directory / TRACES_FILE).exists() or not partitions:
        files.append(directory / TRACES_FILE)
        places.append(directory)
    profiles = {profile.digest: profile for place in places for profile in _profiles(place / PROFILES_FILE)}
    traces = tuple(trace for file in files for trace in from_arrow(_table(file)))
    _refuse_foreign(traces, directory)
    return TraceDataset(traces=traces, profiles=tuple(profiles.values()))


def _refuse_foreign(traces: Sequence[LabelledTrace], directory: Path) -> None:
    foreign = sorted({trace.campaign for trace in traces if trace.campaign.startswith(FOREIGN)})
    if foreign:
        raise DataError(
            f"{directory} holds campaign {foreign[0]}, measured on a CPU that is not characterised: nothing is trained "
            "on it; keep it in a directory of its own"
        )


def _parts(place: Path) -> list[Path]:
    if (place / SETTINGS_FILE).exists() and not (place / COMPLETE_FILE).exists():
        raise DataError(f"the campaign in {place} is not whole: run it again, it goes on where it stopped")
    return sorted(place.glob(PARTS))


def _profiles(file: Path) -> list[WorkloadProfile]:
    try:
        return [WorkloadProfile.from_json(line) for line in file.read_bytes().splitlines()]
    except FileNotFoundError as error:
        raise _missing(error) from error


def _table(file: Path) -> pa.Table:
    try:
        return pq.read_table(pa.BufferReader(file.read_bytes()))
    except FileNotFoundError as error:
        raise _missing(error) from error
    except pa.ArrowInvalid as error:
        raise DataError(f"{file} is torn or no Parquet: {error}; delete it and run the campaign again") from error


def _missing(error: FileNotFoundError) -> DataError:
    return DataError(f"no traces to train on: {error.filename} is missing; run a campaign first")
