import hashlib
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.axis import AXES, Axis
from contracts.bundle import (
    MANIFEST_FILE,
    SUMS_FILE,
    AxisCalibration,
    BoundCalibration,
    ColumnRange,
    Graph,
    GraphRole,
    HeldOutFigure,
    Library,
    Licence,
    Manifest,
    Tensor,
    bundle_digest,
    format_sums,
    parse_sums,
)
from contracts.errors import ContractError
from contracts.profile import Tier

NOW = datetime(2026, 1, 2, tzinfo=UTC)
DIGEST = "sha256:" + "1" * 64


def graph(**changes: Any) -> Graph:
    settings: dict[str, Any] = {
        "file": "regime-llc.onnx",
        "role": GraphRole.REGIME,
        "axis": Axis.LLC,
        "input": Tensor(name="features", shape=(None, 2)),
        "columns": ("a", "b"),
        "output": Tensor(name="score", shape=(None, 1)),
    }
    return Graph(**{**settings, **changes})


def quantile_graph(quantile: float = 0.9) -> Graph:
    return graph(file=f"q{quantile}.onnx", role=GraphRole.INTERFERENCE, axis=None, quantile=quantile)


def calibration(axis: Axis = Axis.LLC, **changes: Any) -> AxisCalibration:
    settings: dict[str, Any] = {"scores": (0.0, 1.0), "probabilities": (0.1, 0.9), "clear": 0.4, "pressed": 0.6}
    return AxisCalibration(axis=axis, **{**settings, **changes})


def bound(tier: Tier = Tier.PROBED, **changes: Any) -> BoundCalibration:
    settings: dict[str, Any] = {"rate": 0.9, "groups": 9, "supported_rate": 0.9, "log_margin": 0.1}
    return BoundCalibration(tier=tier, **{**settings, **changes})


def manifest(**changes: Any) -> Manifest:
    settings: dict[str, Any] = {
        "name": "leeward",
        "version": "7",
        "created": NOW,
        "simulated": True,
        "training_data": DIGEST,
        "training_groups": ("upfs", "firewalls"),
        "graphs": (graph(), quantile_graph()),
        "axis_calibrations": (calibration(),),
        "bound_calibrations": (bound(),),
        "ceiling": 10.0,
        "pressure_ranges": (ColumnRange(column="a", minimum=0.0, maximum=0.5),),
        "held_out": (HeldOutFigure(name="coverage", value=0.91, lower=0.88, upper=0.95, groups=9),),
        "licences": (Licence(part="model", spdx="Apache-2.0"),),
        "libraries": (Library(name="xgboost", version="3.2.0"),),
    }
    return Manifest(**{**settings, **changes})


def test_json_gives_back_the_manifest() -> None:
    assert Manifest.from_json(manifest().to_json(indent=2)) == manifest()


def test_every_torn_manifest_is_refused() -> None:
    content = manifest().to_json()
    for end in range(0, len(content), 7):
        with pytest.raises(ContractError, match="Manifest is refused: document: Invalid JSON"):
            Manifest.from_json(content[:end])


@given(st.permutations(AXES), st.integers(0, len(AXES)))
def test_every_judged_axis_is_calibrated(axes: list[Axis], judged: int) -> None:
    graphs = tuple(graph(file=f"{axis}.onnx", axis=axis) for axis in axes[:judged])
    made = manifest(
        graphs=(*graphs, quantile_graph()), axis_calibrations=tuple(calibration(axis) for axis in sorted(axes[:judged]))
    )
    assert Manifest.from_json(made.to_json()) == made


REFUSED: dict[str, tuple[Any, str]] = {
    "another feature schema": (
        lambda: manifest(feature_schema=DIGEST),
        f"bundle leeward 7 was made for the feature vector contract {DIGEST}, this reader knows .*: upgrade the older",
    ),
    "another regime": (lambda: manifest(regime_contract=DIGEST), "made for the regime contract"),
    "other profiles": (lambda: manifest(profile_contract=DIGEST), "made for the workload profile contract"),
    "another format": (lambda: manifest(format="leeward-bundle/2"), "leeward-bundle/1"),
    "two graphs of an axis": (lambda: manifest(graphs=(graph(), graph())), "two regime graphs of one axis"),
    "an axis without calibration": (
        lambda: manifest(axis_calibrations=()),
        r"judges \[.*llc.*\] and calibrates \[\]",
    ),
    "a calibration without an axis": (lambda: manifest(graphs=(quantile_graph(),)), r"judges \[\] and calibrates"),
    "two graphs of a quantile": (
        lambda: manifest(graphs=(graph(), quantile_graph(), quantile_graph())),
        "two interference graphs of one quantile",
    ),
    "bounds without calibration": (lambda: manifest(bound_calibrations=()), "need one calibration a tier"),
    "two calibrations of a tier": (lambda: manifest(bound_calibrations=(bound(), bound())), "one calibration a tier"),
    "no graph at all": (lambda: manifest(graphs=()), "at least 1 item"),
    "a time without a zone": (lambda: manifest(created=datetime(2026, 1, 1)), "timezone"),  # noqa: DTZ001
    "a pickle": (lambda: graph(file="model.pkl"), "graph model.pkl is no .onnx file"),
    "a path": (lambda: graph(file="../model.onnx"), "file"),
    "a hidden file": (lambda: graph(file=".onnx"), "file"),
    "a regime of no axis": (lambda: graph(axis=None), "names its axis"),
    "a regime with a quantile": (lambda: graph(quantile=0.9), "names its quantile"),
    "a quantile of an axis": (lambda: graph(role=GraphRole.INTERFERENCE, quantile=0.9), "names its axis"),
    "a column unnamed": (lambda: graph(columns=("a",)), "input features has 2 columns, 1 are named"),
    "scores that do not rise": (lambda: calibration(scores=(0.5, 0.5)), "calibration of llc: scores do not rise"),
    "probabilities that fall": (lambda: calibration(probabilities=(0.9, 0.1)), "probabilities fall"),
    "a score without a value": (lambda: calibration(scores=(0.0, 0.5, 1.0)), "3 scores, 2 values"),
    "thresholds that do not part": (lambda: calibration(clear=0.6), "0 <= clear < pressed"),
    "a rate that the groups can't support": (
        lambda: bound(rate=0.95),
        "calibration of tier probed states 0.95: 9 groups support no more than 0.9",
    ),
    "a support that is not the groups'": (lambda: bound(supported_rate=0.95), "9 groups support a rate of 0.9000"),
    "no group": (lambda: bound(groups=0), "greater than or equal to 1"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_breaks_the_contract_is_refused(kind: str) -> None:
    make, message = REFUSED[kind]
    with pytest.raises(ValidationError, match=message):
        make()


# --- SHA256SUMS. ---

file_names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
hexadecimals = st.binary(min_size=32, max_size=32).map(bytes.hex)


@given(st.dictionaries(file_names, hexadecimals), hexadecimals)
def test_sums_read_back(digests: dict[str, str], of_manifest: str) -> None:
    digests[MANIFEST_FILE] = of_manifest
    assert parse_sums(format_sums(digests)) == digests


@given(st.dictionaries(file_names, hexadecimals, min_size=1))
def test_sums_are_in_order_so_that_one_content_has_one_digest(digests: dict[str, str]) -> None:
    assert format_sums(dict(reversed(digests.items()))) == format_sums(digests)
    assert bundle_digest(format_sums(digests)) == f"sha256:{hashlib.sha256(format_sums(digests)).hexdigest()}"


def test_sha256sum_takes_them(tmp_path: Path) -> None:
    contents = {MANIFEST_FILE: b"{}", "a.onnx": b"a"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    sums = format_sums({name: hashlib.sha256(content).hexdigest() for name, content in contents.items()})
    (tmp_path / SUMS_FILE).write_bytes(sums)
    subprocess.run(["sha256sum", "--check", "--strict", SUMS_FILE], cwd=tmp_path, check=True, capture_output=True)


HEX = "0" * 64


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "does not name manifest.json: the bundle is torn"),
        (f"{HEX}  a.onnx\n".encode(), "does not name manifest.json"),
        (f"{HEX}  manifest.json\n{HEX}  manifest.json\n".encode(), "line 2 is .*each once, are meant"),
        (f"{HEX}  ../manifest.json\n".encode(), "line 1 is .*plain file name"),
        (f"{HEX}  /etc/passwd\n".encode(), "line 1"),
        (f"{HEX} *manifest.json\n".encode(), "line 1"),
        (f"{HEX[:-1]}  manifest.json\n".encode(), "line 1"),
        (f"{'A' * 64}  manifest.json\n".encode(), "line 1"),
        (b"\xff\xfe", "line 1"),
        (f"{HEX}  manifest.json\n\n".encode(), "line 2"),
    ],
)
def test_sums_that_are_none_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        parse_sums(content)
