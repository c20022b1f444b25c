"""How large a campaign is."""

from dataclasses import asdict, dataclass
from hashlib import sha256

from contracts.axis import Axis
from contracts.canonical import canonical_json
from eval.campaign.errors import CampaignError
from eval.campaign.name import refuse_bad_name
from eval.testbed.catalogue import SMALL, WORKLOADS
from eval.testbed.cluster import NODE_KINDS
from eval.testbed.node import HIGHEST_CLOCK_RATIO, LOWEST_CLOCK_RATIO, START_WALL_NS
from eval.testbed.stressor import PRESSED_AXES

DAY_NS = 86_400_000_000_000
_DAYS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignSettings:
    """What is run, and how often.

    Attributes:
        name: stands in every row, and names the campaign's directory.
        seed: of the nodes' noise and of the mixes that are drawn.
        workloads: names of those that take part.
        axes: of the stressors that they meet.
        intensities: at which each workload meets each stressor, rising.
        probe_intensities: at which a profile run probes each axis, rising.
        probe_windows: windows a probe, and a profile's solo windows.
        mixes: random mixes.
        smallest_mix, largest_mix: parties of a mix, stressors included.
        nodes: how many.
        window_seconds: simulated seconds of a window.
        pressed_from: intensity from which a stressor presses its axis.
        clocks: core clocks over the nominal one. All series and mixes run once at each of them, on every node; where
            none is named, they run once, each node at its own clock.

    Raises:
        CampaignError: nothing would be measured, or a number makes no sense.
    """

    name: str = "characterisation"
    seed: int = 1
    workloads: tuple[str, ...] = tuple(workload.name for workload in WORKLOADS)
    axes: tuple[Axis, ...] = PRESSED_AXES
    intensities: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0)
    probe_intensities: tuple[float, ...] = (0.5, 1.0)
    probe_windows: int = 2
    mixes: int = 640
    smallest_mix: int = 2
    largest_mix: int = 6
    nodes: int = len(NODE_KINDS)
    window_seconds: float = 10.0
    pressed_from: float = 0.5
    clocks: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        refuse_bad_name(self.name)
        for what, values in (("intensities", self.intensities), ("probe intensities", self.probe_intensities)):
            if not values or list(values) != sorted(set(values)) or not 0.0 < values[0] <= values[-1] <= 1.0:
                raise CampaignError(f"{what} are {values}: rising numbers above 0 and up to 1 are meant")
        if not 2 <= self.smallest_mix <= self.largest_mix:
            raise CampaignError(
                f"mixes of {self.smallest_mix} to {self.largest_mix} parties: two at least, and no less at the top"
            )
        if self.probe_windows < 1 or self.mixes < 0 or not self.window_seconds > 0.0:
            raise CampaignError(
                f"{self.probe_windows} probe windows, {self.mixes} mixes, windows of {self.window_seconds} s: "
                "at least one probe window, no negative number of mixes and a window above zero are meant"
            )
        if not self.workloads or not self.axes or len(set(self.axes)) < len(self.axes):
            raise CampaignError(
                f"{len(self.workloads)} workloads, stressors of {', '.join(self.axes) or 'no axis'}: one workload and "
                "one axis at least are meant, each axis once"
            )
        if self.nodes < 1:
            raise CampaignError(f"{self.nodes} nodes: one at least is meant")
        if len(set(self.clocks)) < len(self.clocks) or any(
            not LOWEST_CLOCK_RATIO <= clock <= HIGHEST_CLOCK_RATIO for clock in self.clocks
        ):
            raise CampaignError(
                f"clocks are {self.clocks}: different numbers are meant, core clock over nominal clock, "
                f"{LOWEST_CLOCK_RATIO} to {HIGHEST_CLOCK_RATIO}"
            )

    @property
    def began_ns(self) -> int:
        """When the testbed's clocks start: some day before 2026 that the name decides, since one domain's window is of
        one campaign only."""
        days = int.from_bytes(sha256(self.name.encode()).digest()[:4]) % _DAYS
        return START_WALL_NS - days * DAY_NS

    def to_json(self) -> bytes:
        """Canonical JSON: what tells a campaign from another."""
        return canonical_json(asdict(self))


def small_settings(*, seed: int) -> CampaignSettings:
    """A dozen workloads in ten groups, at two intensities: what a demonstration has time for."""
    return CampaignSettings(name="small", seed=seed, workloads=SMALL, intensities=(0.5, 1.0), mixes=200)
