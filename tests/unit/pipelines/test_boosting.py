"""Fits in this process."""

import numpy as np
import xgboost

from pipelines.boosting import Ensemble, FitRows, Pinball, boosted_here

PARAMETERS = {"tree_method": "hist", "max_depth": 3, "base_score": 0.5, "disable_default_eval_metric": True}


def rows(*, weighted: bool = True) -> FitRows:
    random = np.random.default_rng(1)
    matrix = random.random((200, 4)).astype(np.float32)
    target = matrix[:, 0] + random.random(200)
    return FitRows(matrix=matrix, target=target, weight=random.uniform(0.5, 2.0, 200) if weighted else None)


def test_a_loss_that_knows_its_rows_grows_the_trees_of_one_that_asks_xgboost() -> None:
    known, loss = rows(), Pinball(quantile=0.8)
    asked = xgboost.QuantileDMatrix(known.matrix, known.target, weight=known.weight)
    by_asking = xgboost.train(PARAMETERS | {"max_bin": 256}, asked, 10, obj=loss)
    by_knowing = boosted_here(known, Ensemble(parameters=PARAMETERS, trees=10, objective=loss))
    assert by_knowing.get_dump() == by_asking.get_dump()


def test_rows_without_weights_count_one_each() -> None:
    bare = rows(weighted=False)
    ones = FitRows(matrix=bare.matrix, target=bare.target, weight=np.ones(200))
    ensemble = Ensemble(parameters=PARAMETERS, trees=10, objective=Pinball(quantile=0.8))
    assert boosted_here(bare, ensemble).get_dump() == boosted_here(ones, ensemble).get_dump()


def test_no_tree_cuts_a_column_at_more_places_than_there_are_bins() -> None:
    known = rows()
    few = boosted_here(known, Ensemble(parameters=PARAMETERS, trees=40, objective=Pinball(quantile=0.8), bins=4))
    cuts = few.trees_to_dataframe().query("Feature == 'f0'")["Split"].nunique()
    assert 1 <= cuts <= 4
