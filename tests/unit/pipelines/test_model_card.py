"""What a model is, for people."""

from contracts.bundle import GraphRole
from pipelines.model_card import model_card, summary
from pipelines.training import Training

DIGEST = "sha256:" + "5" * 64


def test_a_card_says_what_it_knows_and_what_it_was_trained_on(training: Training) -> None:
    manifest = training.draft.manifest
    card = model_card(manifest, DIGEST)
    assert card.startswith(f"# leeward {manifest.version}\n\n**Trained on simulated counters.**")
    for said in (DIGEST, manifest.training_data, manifest.feature_schema, *manifest.training_groups):
        assert said in card
    for figure in manifest.held_out:
        assert f"| {figure.name} | {figure.value:.3f} | {figure.lower:.3f} to {figure.upper:.3f} | 6 |" in card
    for graph in manifest.graphs:
        assert f"| {graph.file} |" in card
    assert "| probed | 75% | 6 | 85.7% |" in card


def test_each_row_of_a_table_has_as_many_cells_as_its_head(training: Training) -> None:
    rows: list[str] = []
    for line in [*model_card(training.draft.manifest, DIGEST).splitlines(), ""]:
        if line.startswith("|"):
            rows.append(line)
        else:
            assert len({row.count("|") for row in rows}) <= 1
            rows = []


def test_a_measured_model_carries_no_warning(training: Training) -> None:
    manifest = training.draft.manifest.model_copy(update={"simulated": False})
    assert "simulated" not in model_card(manifest, DIGEST)


def test_a_long_list_of_workloads_is_cut(training: Training) -> None:
    groups = tuple(f"group-{index}" for index in range(40))
    card = model_card(training.draft.manifest.model_copy(update={"training_groups": groups}), DIGEST)
    assert "of 40 workload groups: group-0, " in card
    assert "group-11, ..." in card
    assert "group-12" not in card


def test_a_summary_of_one_half_has_the_figures_of_that_half(training: Training) -> None:
    manifest = training.draft.manifest
    regime, interference = summary(manifest, GraphRole.REGIME), summary(manifest, GraphRole.INTERFERENCE)
    assert "regime.macro_f1" in regime
    assert "bound." not in regime
    assert "bound.probed.unseen-victim.coverage" in interference
    assert "regime." not in interference
    assert len(summary(manifest)) < 5000
