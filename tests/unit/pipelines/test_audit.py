"""Whether a bundle has seen what it denies: fitted again, and compared."""

import pytest

from pipelines.audit import AUDITED, audits
from pipelines.family import BundleFamily
from pipelines.settings import TrainingSettings
from pipelines.training import Training
from pipelines.training_data import TrainingData


def family_of(training: Training) -> BundleFamily:
    siblings = tuple(draft.in_memory() for draft in training.held_out.values())
    return BundleFamily(whole=training.draft.in_memory(), held_out=siblings)


def test_an_honest_bundle_says_what_a_new_fit_says(
    training: Training, data: TrainingData, settings: TrainingSettings
) -> None:
    found = audits(family_of(training), data, settings)
    assert len(found) == AUDITED
    for audit in found:
        assert audit.distance < 1e-5
        assert audit.of_whole > 0.05


def test_a_bundle_held_out_by_row_says_what_the_one_says_that_has_seen_all(
    leaky: Training, data: TrainingData, settings: TrainingSettings
) -> None:
    for audit in audits(family_of(leaky), data, settings):
        assert audit.distance == pytest.approx(audit.of_whole, rel=0.3)
        assert audit.of_whole > 0.05


def test_a_family_without_siblings_has_nothing_to_audit(
    training: Training, data: TrainingData, settings: TrainingSettings
) -> None:
    alone = BundleFamily(whole=training.draft.in_memory(), held_out=())
    assert audits(alone, data, settings) == ()
