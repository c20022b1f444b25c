"""Model bundle v1: a directory of ONNX graphs, ``manifest.json``, the profile snapshot, and ``SHA256SUMS``.

Everything that a node or the extender loads is JSON, text or ONNX. The digest of ``SHA256SUMS`` stands for the bundle.
"""

import math
import re
from collections.abc import Mapping
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from contracts.axis import AXES, Axis
from contracts.canonical import digest, digest_of_bytes
from contracts.errors import ContractError
from contracts.features import FEATURE_SCHEMA_V1
from contracts.model import Document, UtcTime, without_prose
from contracts.nodestate import Digest, Share
from contracts.profile import PROFILE_DIGEST_V1, SlowdownValue, Tier
from contracts.regime import REGIME_DIGEST_V1, Threshold

MANIFEST_FILE = "manifest.json"
SUMS_FILE = "SHA256SUMS"
PROFILES_FILE = "profiles.jsonl"

_SUMS_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._-]*)")

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
ColumnName = Annotated[str, Field(min_length=1, max_length=64)]


class GraphRole(StrEnum):
    """What a graph predicts: whether one axis is pressed, or one quantile of a victim's slowdown."""

    REGIME = "regime"
    INTERFERENCE = "interference"


class Tensor(Document):
    """An input or output of a graph; ``None`` in a shape is the number of rows."""

    name: ColumnName
    shape: Annotated[tuple[Annotated[int, Field(gt=0)] | None, ...], Field(min_length=1, max_length=4)]


class Graph(Document):
    """One ONNX file.

    Attributes:
        file: its name in the bundle.
        role: what it predicts.
        axis: of a regime graph, else ``None``.
        quantile: of an interference graph, 0 to 1, else ``None``.
        input: float32, NaN for missing.
        columns: what the input's last dimension means, in order.
        output: the one that is read.
    """

    file: FileName
    role: GraphRole
    axis: Axis | None = None
    quantile: Share | None = None
    input: Tensor
    columns: Annotated[tuple[ColumnName, ...], Field(min_length=1, max_length=512)]
    output: Tensor

    @model_validator(mode="after")
    def _role_fits(self) -> Self:
        if not self.file.endswith(".onnx"):
            raise ValueError(f"graph {self.file} is no .onnx file")
        if (self.axis is not None) is not (self.role is GraphRole.REGIME):
            raise ValueError(f"graph {self.file}: a regime graph, and no other, names its axis")
        if (self.quantile is not None) is not (self.role is GraphRole.INTERFERENCE):
            raise ValueError(f"graph {self.file}: an interference graph, and no other, names its quantile")
        if self.input.shape[-1] != len(self.columns):
            raise ValueError(
                f"graph {self.file}: input {self.input.name} has {self.input.shape[-1]} columns, "
                f"{len(self.columns)} are named"
            )
        return self


class AxisCalibration(Document):
    """From a regime graph's score to a probability: linear between the points, constant outside.

    ``clear`` and ``pressed`` are the axis' thresholds, see ``contracts.regime.Threshold``.
    """

    axis: Axis
    scores: Annotated[tuple[Share, ...], Field(min_length=2, max_length=256)]
    probabilities: Annotated[tuple[Share, ...], Field(min_length=2, max_length=256)]
    clear: Share
    pressed: Share

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if len(self.scores) != len(self.probabilities):
            raise ValueError(f"calibration of {self.axis}: {len(self.scores)} scores, {len(self.probabilities)} values")
        if any(right <= left for left, right in pairwise(self.scores)):
            raise ValueError(f"calibration of {self.axis}: scores do not rise")
        if any(right < left for left, right in pairwise(self.probabilities)):
            raise ValueError(f"calibration of {self.axis}: probabilities fall")
        Threshold(clear=self.clear, pressed=self.pressed)
        return self


class BoundCalibration(Document):
    """From the quantile graph's slowdown to a bound, for one tier of profile.

    Attributes:
        tier: of the victim's profile.
        rate: share of windows of a new workload group that the bound holds for, as stated, 0 to 1.
        groups: how many workload groups it was calibrated over.
        supported_rate: the highest rate that so many groups can support at all, ``groups / (groups + 1)``.
        log_margin: the bound is the predicted slowdown times ``exp(log_margin)``.
    """

    tier: Tier
    rate: Share
    groups: Annotated[int, Field(ge=1)]
    supported_rate: Share
    log_margin: Annotated[float, Field(ge=-10.0, le=10.0)]

    @model_validator(mode="after")
    def _rate_is_supported(self) -> Self:
        supported = self.groups / (self.groups + 1)
        if not math.isclose(self.supported_rate, supported, abs_tol=1e-9):
            raise ValueError(f"{self.groups} groups support a rate of {supported:.4f}, not {self.supported_rate}")
        if self.rate > self.supported_rate + 1e-9:
            raise ValueError(
                f"calibration of tier {self.tier} states {self.rate}: {self.groups} groups support no more than "
                f"{supported:.4f}"
            )
        return self


class ColumnRange(Document):
    """What training saw of a pressure; a bound beyond it is the ceiling."""

    column: ColumnName
    minimum: float
    maximum: float


class HeldOutFigure(Document):
    """A figure over workloads never seen in training, with its interval over workload groups."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    value: float
    lower: float
    upper: float
    groups: Annotated[int, Field(ge=1)]


class Licence(Document):
    """An SPDX expression for a part of the bundle."""

    part: Annotated[str, Field(min_length=1, max_length=64)]
    spdx: Annotated[str, Field(min_length=1, max_length=64)]


class Library(Document):
    """A library that made the bundle."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    version: Annotated[str, Field(min_length=1, max_length=64)]


class Manifest(Document):
    """What a bundle is and where it comes from.

    Attributes:
        name, version: of the registered model.
        created: UTC.
        simulated: trained on the testbed's output.
        feature_schema, regime_contract, profile_contract: digests of the contracts that it was made for.
        training_data: digest of the labelled traces and profiles.
        training_groups: workload groups in them.
        graphs: regime graphs, one an axis that the model judges, and interference graphs, one a quantile.
        axis_calibrations: one a regime graph.
        bound_calibrations: one a tier.
        ceiling: the bound where a pressure lies beyond ``pressure_ranges``.
        pressure_ranges: of the interference graphs' pressure columns.
        held_out: figures on workloads never seen.
        licences, libraries: of and behind the bundle.
    """

    format: Literal["leeward-bundle/1"] = "leeward-bundle/1"
    name: Annotated[str, Field(min_length=1, max_length=64)]
    version: Annotated[str, Field(min_length=1, max_length=64)]
    created: UtcTime
    simulated: bool
    feature_schema: Digest = FEATURE_SCHEMA_V1.digest
    regime_contract: Digest = REGIME_DIGEST_V1
    profile_contract: Digest = PROFILE_DIGEST_V1
    training_data: Digest
    training_groups: Annotated[tuple[str, ...], Field(min_length=1, max_length=4096)]
    graphs: Annotated[tuple[Graph, ...], Field(min_length=1, max_length=64)]
    axis_calibrations: Annotated[tuple[AxisCalibration, ...], Field(max_length=len(AXES))] = ()
    bound_calibrations: Annotated[tuple[BoundCalibration, ...], Field(max_length=len(Tier))] = ()
    ceiling: SlowdownValue
    pressure_ranges: Annotated[tuple[ColumnRange, ...], Field(max_length=512)] = ()
    held_out: Annotated[tuple[HeldOutFigure, ...], Field(max_length=256)] = ()
    licences: Annotated[tuple[Licence, ...], Field(max_length=64)] = ()
    libraries: Annotated[tuple[Library, ...], Field(max_length=64)] = ()

    @model_validator(mode="after")
    def _is_for_these_contracts(self) -> Self:
        for contract, found, known in (
            ("feature vector", self.feature_schema, FEATURE_SCHEMA_V1.digest),
            ("regime", self.regime_contract, REGIME_DIGEST_V1),
            ("workload profile", self.profile_contract, PROFILE_DIGEST_V1),
        ):
            if found != known:
                raise ValueError(
                    f"bundle {self.name} {self.version} was made for the {contract} contract {found}, this reader "
                    f"knows {known}: upgrade the older of the two"
                )
        return self

    @model_validator(mode="after")
    def _graphs_are_calibrated(self) -> Self:
        judged = [graph.axis for graph in self.graphs if graph.axis is not None]
        if len(set(judged)) != len(judged):
            raise ValueError(f"bundle {self.name} {self.version} has two regime graphs of one axis")
        calibrated = [calibration.axis for calibration in self.axis_calibrations]
        if sorted(judged) != sorted(calibrated):
            raise ValueError(
                f"bundle {self.name} {self.version} judges {sorted(judged)} and calibrates {sorted(calibrated)}"
            )
        quantiles = [graph.quantile for graph in self.graphs if graph.role is GraphRole.INTERFERENCE]
        if len(set(quantiles)) != len(quantiles):
            raise ValueError(f"bundle {self.name} {self.version} has two interference graphs of one quantile")
        tiers = [calibration.tier for calibration in self.bound_calibrations]
        if len(set(tiers)) != len(tiers) or (bool(tiers) is not bool(quantiles)):
            raise ValueError(
                f"bundle {self.name} {self.version}: interference graphs need one calibration a tier, there are {tiers}"
            )
        return self


def format_sums(digests: Mapping[str, str]) -> bytes:
    """``SHA256SUMS`` as ``sha256sum --check`` reads it, files in order of name.

    Args:
        digests: file name to 64 hexadecimal digits.
    """
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests)).encode()


def parse_sums(content: bytes) -> dict[str, str]:
    """The inverse of ``format_sums``.

    Raises:
        ContractError: a line is no sum, names a path, or a file stands twice.
    """
    digests: dict[str, str] = {}
    for number, line in enumerate(content.decode("utf-8", errors="replace").splitlines(), start=1):
        match = _SUMS_LINE.fullmatch(line)
        if match is None or match[2] in digests:
            raise ContractError(
                f"{SUMS_FILE} line {number} is {line[:100]!r}: 64 hexadecimal digits, two blanks and a plain file "
                "name, each once, are meant"
            )
        digests[match[2]] = match[1]
    if MANIFEST_FILE not in digests:
        raise ContractError(f"{SUMS_FILE} does not name {MANIFEST_FILE}: the bundle is torn")
    return digests


def bundle_digest(sums: bytes) -> str:
    """What stands for a whole bundle: the digest of its ``SHA256SUMS``."""
    return digest_of_bytes(sums)


BUNDLE_DIGEST_V1 = digest(
    {
        "contract": "model-bundle",
        "version": 1,
        "files": [MANIFEST_FILE, PROFILES_FILE, SUMS_FILE],
        "schema": without_prose(Manifest.model_json_schema()),
    }
)
