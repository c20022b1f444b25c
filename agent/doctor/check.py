"""One thing that the doctor looks at, and what it says of it."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How it stands, the worst first."""

    MISSING = "missing"
    LIMITED = "limited"
    UNKNOWN = "unknown"
    OK = "ok"


class Topic(StrEnum):
    """What is looked at, in the order of a look."""

    CPU = "cpu"
    VIRTUAL_MACHINE = "virtual-machine"
    KERNEL = "kernel"
    TOPOLOGY = "topology"
    ONLINE_CPUS = "online-cpus"
    ISOLATED_CPUS = "isolated-cpus"
    CLUSTERS = "snc"
    CACHE = "last-level-cache"
    PERMISSION = "permission"
    SYSTEM_CALLS = "system-calls"
    OPEN_FILES = "open-files"
    EVENT_GROUPS = "event-groups"
    REMOTE_READS = "remote-reads"
    CORE = "core-counters"
    WATCHDOG = "nmi-watchdog"
    CHA = "cha-boxes"
    IMC = "imc-boxes"
    UPI = "upi-boxes"
    IIO = "iio-boxes"
    READINGS = "readings"
    RESCTRL = "resctrl"
    PODS = "pods"
    STATE_DIRECTORY = "state-directory"
    CLOCK = "clock"
    API_SERVER = "api-server"
    INGEST = "ingest"
    MODEL_SERVER = "model-server"

    @property
    def words(self) -> str:
        """As a person reads it.

        >>> Topic.ONLINE_CPUS.words
        'online CPUs'
        """
        return " ".join(_ACRONYMS.get(word, word) for word in self.value.split("-"))


_ACRONYMS = {word.lower(): word for word in ("API", "CHA", "CPU", "CPUs", "IIO", "IMC", "NMI", "SNC", "UPI")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What the doctor says of one topic.

    Attributes:
        topic: what was looked at.
        verdict: how it stands.
        found: what there is, one line.
        advice: what to change, a sentence or command each, steps in their order; empty only where the verdict is ok.
        features: the missing features it stands in the way of, in schema order.
    """

    topic: Topic
    verdict: Verdict
    found: str
    advice: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
