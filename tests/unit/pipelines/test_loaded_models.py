from pathlib import Path

from pipelines.loaded_models import LoadedModels
from serving.bundle_directory import read_bundle, write_bundle
from tests.unit.serving.small_bundle import graphs, manifest, profile


def test_a_bundles_models_are_loaded_once_and_another_bundles_are_others(tmp_path: Path) -> None:
    for name in ("one", "other"):
        write_bundle(tmp_path / name, manifest=manifest(), graphs=graphs(), profiles=(profile("amf"),))
    one, other = read_bundle(tmp_path / "one"), read_bundle(tmp_path / "other")
    models = LoadedModels()
    assert models.bounds(one) is models.bounds(one) is not models.bounds(other)
    assert models.regimes(one) is models.regimes(one) is not models.regimes(other)
