"""The kinds of nodes that the agent meets, each as a fabricated tree and what its kernel refuses.

What each means for the feature vector, and what to change, stands in ``docs/nodes.md``.
"""

import errno
from collections.abc import Callable
from dataclasses import dataclass, replace

from contracts.nodestate import IsolatedCpuPolicy
from tests.unit.agent.fake_kernel import METRICS, RAW, SLOTS, OpenCounter
from tests.unit.agent.machine_tree import CORE_NAMES, FIRST_BOX_TYPE, TOP_DOWN_NAMES, UNCORE_FORMATS, Machine

PLAIN = Machine(kernel_names=True, pmu_name="sapphire_rapids", boxes={"upi": 3, "cha": 2, "imc": 2, "iio": 2})
"""Two sockets of Sapphire Rapids under a kernel that knows it, nothing hidden."""

_THIRD_UPI = FIRST_BOX_TYPE + 2
_MAX = replace(PLAIN, model_name="Intel(R) Xeon(R) CPU Max 9480")
_GUEST = replace(PLAIN, sockets=1, boxes={}, core_names=CORE_NAMES)
_ISOLATED = replace(PLAIN, isolated="0-3", nohz_full="2-5", partitions="6-7")


@dataclass(frozen=True, kw_only=True)
class Variety:
    """A kind of node.

    Attributes:
        title: what it is, in a few words.
        machine: its trees.
        refuse: errno that its kernel answers an open with, 0 where it opens.
        counters: general core counters that its kernel grants.
        resctrl: whether resctrl is mounted.
        isolated_cpus: the administrator's policy.
    """

    title: str
    machine: Machine = PLAIN
    refuse: Callable[[OpenCounter], int] = lambda counter: 0
    counters: int = 8
    resctrl: bool = True
    isolated_cpus: IsolatedCpuPolicy = IsolatedCpuPolicy.NEVER


def _no_top_down(counter: OpenCounter) -> int:
    return errno.EINVAL if counter.type == RAW and counter.config in METRICS | {SLOTS} else 0


VARIETIES: dict[str, Variety] = {
    "two-sockets": Variety(title="two sockets, nothing hidden"),
    "snc4": Variety(title="sub-NUMA clusters of four", machine=replace(PLAIN, cores=4, clusters=4)),
    "hbm-alone": Variety(
        title="HBM without DDR", machine=replace(_MAX, boxes={"upi": 3, "cha": 2, "hbm": 4, "iio": 2})
    ),
    "hbm-flat": Variety(
        title="HBM beside DDR, flat mode",
        machine=replace(_MAX, boxes={**_MAX.boxes, "hbm": 4}, memory_only_nodes=2),
    ),
    "hbm-flat-unnamed": Variety(
        title="the same under a kernel before mid-2024",
        machine=replace(
            _MAX,
            boxes={**_MAX.boxes, "cxlcm": (16, 2), "cxldp": (17, 3), "hbm": 4},
            unnamed=frozenset({"cxlcm", "cxldp", "hbm"}),
            memory_only_nodes=2,
        ),
    ),
    "hbm-cache": Variety(title="HBM as a cache before DDR", machine=replace(_MAX, boxes={**_MAX.boxes, "hbm": 4})),
    "mcc": Variety(
        title="MCC die whose third UPI link is wrongly described",
        refuse=lambda counter: errno.ENODEV if counter.type == _THIRD_UPI else 0,
    ),
    "vm": Variety(
        title="virtual machine without uncore", machine=_GUEST, refuse=_no_top_down, counters=3, resctrl=False
    ),
    "vm-old-guest": Variety(
        title="the same under a guest kernel before 6.11",
        machine=replace(_GUEST, core_names=CORE_NAMES | TOP_DOWN_NAMES),
        refuse=_no_top_down,
        counters=3,
        resctrl=False,
    ),
    "vm-without-pmu": Variety(
        title="virtual machine without a PMU",
        machine=replace(_GUEST, core_pmu=False),
        refuse=lambda counter: errno.ENOENT,
        resctrl=False,
    ),
    "no-resctrl": Variety(title="no resctrl", resctrl=False),
    "paranoid": Variety(
        title="`perf_event_paranoid` 3 without CAP_PERFMON",
        machine=replace(PLAIN, paranoid=3),
        refuse=lambda counter: errno.EACCES,
    ),
    "no-smt": Variety(title="SMT off", machine=replace(PLAIN, threads=1, cores=4)),
    "offline-cpu": Variety(title="a CPU offline", machine=replace(PLAIN, offline=frozenset({0}))),
    "gaps": Variety(
        title="boxes numbered with gaps, or not at all",
        machine=replace(
            PLAIN,
            boxes={"cha": (0, 5, 17), "imc": (0, 2, 6), "upi": 1, "iio": (1, 3, 11)},
            unnumbered=frozenset({"upi"}),
        ),
    ),
    "old-kernel": Variety(
        title="Linux before 5.15", machine=replace(PLAIN, old_kernel=True, kernel_names=False, pmu_name=None)
    ),
    "other-names": Variety(
        title="a kernel that calls things differently",
        machine=replace(
            PLAIN,
            core_pmu_name="cpu_core",
            core_formats={
                "event": "config:0-7",
                "umask": "config:8-15,40-47",
                "edge": "config:18",
                "inv": "config:23",
                "thresh": "config:24-31",
            },
            cha_formats=UNCORE_FORMATS | {"umask": "config:8-15", "umask_ext": "config:32-55"},
            core_names=CORE_NAMES | TOP_DOWN_NAMES | {"instructions": "event=0x00,umask=0x01"},
        ),
    ),
    "unknown-to-kernel": Variety(
        title="a kernel that does not know Sapphire Rapids",
        machine=replace(PLAIN, pmu_name="generic_arch_v5+", boxes={}, core_names=CORE_NAMES),
    ),
    "all-isolated": Variety(title="every CPU isolated, policy `never`", machine=_ISOLATED),
    "all-isolated-sampled": Variety(
        title="every CPU isolated, policy `sampled`", machine=_ISOLATED, isolated_cpus=IsolatedCpuPolicy.SAMPLED
    ),
    "no-event-source": Variety(
        title="`/sys/bus/event_source` not to be seen", machine=replace(PLAIN, event_source=False)
    ),
    "emerald-rapids": Variety(
        title="Emerald Rapids (model 207)",
        machine=replace(PLAIN, model=207, model_name="INTEL(R) XEON(R) PLATINUM 8592+"),
    ),
    "amd": Variety(
        title="an AMD CPU",
        machine=replace(
            PLAIN,
            vendor="AuthenticAMD",
            family=25,
            model=17,
            model_name="AMD EPYC 9654 96-Core Processor",
            boxes={},
            core_names={"cpu-cycles": "event=0x76", "instructions": "event=0xc0"},
            pmu_name=None,
        ),
    ),
}
"""By a short name that stays."""
