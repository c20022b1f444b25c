"""What a training can be told, in one typed object; it travels through the pipeline as JSON."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from contracts.model import Document
from contracts.nodestate import Share

Count = Annotated[int, Field(ge=1)]


class TreeSettings(Document):
    """Size of one XGBoost model.

    Attributes:
        trees, depth: how many, how deep.
        learning_rate: shrinkage a tree.
        subsample: share of rows that a tree sees.
        columns: share of columns that a tree sees.
        smallest_leaf: ``min_child_weight``.
    """

    trees: Count
    depth: Annotated[int, Field(ge=1, le=12)]
    learning_rate: Annotated[float, Field(gt=0.0, le=1.0)]
    subsample: Annotated[float, Field(gt=0.0, le=1.0)] = 0.8
    columns: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    smallest_leaf: Annotated[float, Field(ge=0.0)] = 1.0


class TrainingSettings(Document):
    """All that decides what comes out of given traces.

    Attributes:
        rate: share of windows of a workload never seen that a bound is stated to hold for. The default is for some ten
            workload groups; from some thirty on, 0.9 costs little more than its own width.
        median, upper: the quantiles that are fitted; the bound stands on the upper one.
        folds: into how many parts of whole workload groups the data are cut, at most; with fewer groups than this,
            each is a part of its own.
        injected_intensity: a stressor from this intensity up presses its axis.
        fewest_pressed: an axis that is pressed in fewer windows is not judged, since nobody could tell how well.
        wrong_at_most, undecided_at_most: an axis' undecided band is as narrow as it can be with at most this share of
            the decided windows wrong, and never leaves more than this share undecided; see ``pipelines.abstention``.
        feature_dropout: share of single features that are dropped from a copy of a training window.
        group_dropout: share of copies that lose all features of one event group.
        dropped_copies: copies of each training window that features are dropped from.
        regime, interference: the trees.
        range_slack: a pressure is beyond training only where it exceeds what was seen by this share of its feature's
            range; nearer by, the flat end of a monotone tree is near enough.
        resamples: of every bootstrap over workload groups.
        confidence: of every interval over workload groups.
        worse_by: the challenger's loss may exceed the champion's by this share; see ``pipelines.gate``.
        workers: threads that fit models beside one another.
        seed: of all that is random.
    """

    rate: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.8
    median: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.5
    upper: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.8
    folds: Annotated[int, Field(ge=3, le=32)] = 10
    injected_intensity: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    fewest_pressed: Count = 30
    wrong_at_most: Share = 0.01
    undecided_at_most: Share = 0.05
    feature_dropout: Share = 0.15
    group_dropout: Share = 0.5
    dropped_copies: Annotated[int, Field(ge=0, le=16)] = 2
    regime: TreeSettings = TreeSettings(trees=80, depth=4, learning_rate=0.2)
    interference: TreeSettings = TreeSettings(trees=150, depth=3, learning_rate=0.05, smallest_leaf=4.0)
    range_slack: Share = 0.1
    resamples: Annotated[int, Field(ge=100, le=100_000)] = 2_000
    confidence: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.9
    worse_by: Annotated[float, Field(ge=0.0, le=1.0)] = 0.05
    workers: Count = 2
    seed: int = 20_261_124

    @model_validator(mode="after")
    def _quantiles_rise(self) -> Self:
        if not self.median < self.upper:
            raise ValueError(f"the upper quantile {self.upper} lies above the median's {self.median}")
        return self
