"""How large the demonstration is: whole, and short enough for a test."""

from dataclasses import dataclass, replace

from contracts.axis import Axis
from eval.campaign import CampaignSettings
from eval.watch.settings import WatchSettings
from pipelines.settings import TrainingSettings, TreeSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How large the demonstration is.

    Attributes:
        campaign: that characterises the site.
        mixes: on each node together, an hour.
        training, watch: settings.
        quiet: hours before the change.
        after: hours after the gate's decision.
        most: hours after the change that the alarm may take.
    """

    campaign: CampaignSettings
    mixes: int
    training: TrainingSettings
    watch: WatchSettings
    quiet: int
    after: int
    most: int


WHOLE = Scale(
    campaign=CampaignSettings(
        name="demonstration",
        seed=3,
        workloads=(
            "upf-large",
            "upf-small",
            "firewall",
            "router",
            "dpi",
            "cdn-cache",
            "amf",
            "udr",
            "embedding-remote",
        ),
        axes=(Axis.LLC, Axis.MEMBW, Axis.SMT, Axis.UPI),
        intensities=(0.5, 1.0),
        mixes=96,
        nodes=4,
    ),
    mixes=32,
    training=TrainingSettings(rate=0.8, folds=6, resamples=500),
    watch=WatchSettings(fresh_groups=5, cooling_seconds=6 * 3600.0, guard_periods=24, settling_seconds=0.0),
    quiet=12,
    after=12,
    most=48,
)

SHORT = Scale(
    campaign=replace(
        WHOLE.campaign,
        workloads=("upf-large", "firewall", "router", "dpi", "cdn-cache", "amf"),
        axes=(Axis.LLC, Axis.MEMBW),
        mixes=36,
        nodes=2,
    ),
    mixes=10,
    training=TrainingSettings(
        rate=0.8,
        folds=6,
        regime=TreeSettings(trees=24, depth=3, learning_rate=0.3),
        interference=TreeSettings(trees=24, depth=3, learning_rate=0.2),
        fewest_pressed=10,
        resamples=100,
    ),
    watch=WHOLE.watch,
    quiet=1,
    after=2,
    most=40,
)
