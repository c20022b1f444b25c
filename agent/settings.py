"""What an agent is told: where the kernel's trees lie, how long windows are, what reading may cost, where things go.

Every setting carries its range and meaning beside it; ``docs/agent-settings.md`` is made from here.
"""

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from agent.errors import AgentError
from agent.settings_field import UnlawfulError, setting_fields
from contracts.nodestate import EventGroup, IsolatedCpuPolicy, Spec

_LISTEN = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^\s:\[\]/]*):(?P<port>\d{1,5})")


def _http_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0 or parts.query or parts.fragment:
        raise ValueError("no address of an HTTP server")
    return url


def _each_once(groups: tuple[EventGroup, ...]) -> tuple[EventGroup, ...]:
    if len(set(groups)) < len(groups):
        raise ValueError("named twice")
    return groups


def _host_and_port(listen: str) -> str:
    found = _LISTEN.fullmatch(listen)
    if found is None or int(found["port"]) > 65535:
        raise ValueError("no address to listen on")
    return listen


Url = Annotated[str, AfterValidator(_http_url)]
Listen = Annotated[str, AfterValidator(_host_and_port)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """Where the kernel's trees are mounted; tests and containers mount them elsewhere."""

    sys: Annotated[Path, Field(description="Where sysfs is mounted: topology, PMU formats.")] = Path("/sys")
    proc: Annotated[Path, Field(description="Where procfs is mounted.")] = Path("/proc")
    resctrl: Annotated[
        Path, Field(description="Where resctrl is mounted: cache occupancy and memory bandwidth by socket.")
    ] = Path("/sys/fs/resctrl")
    cgroup: Annotated[
        Path, Field(description="Where cgroups are mounted, of version 1 or 2: the pods and their CPU sets.")
    ] = Path("/sys/fs/cgroup")

    @classmethod
    def under(cls, root: Path) -> "Roots":
        """All of them below one directory, as a host's root mounted into a container has them.

        >>> Roots.under(Path("/host")).resctrl.as_posix()
        '/host/sys/fs/resctrl'
        """
        return cls(sys=root / "sys", proc=root / "proc", resctrl=root / "sys/fs/resctrl", cgroup=root / "sys/fs/cgroup")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """The agent's settings, each with its range and meaning beside it.

    Raises:
        AgentError: a value is out of its range, or a window is shorter than a sampling period.
    """

    node: Annotated[
        str,
        Field(
            min_length=1,
            max_length=253,
            examples=["worker-7"],
            description="The Kubernetes node's name, which names the NodeState. On a command line and in the manifests "
            "`NODE_NAME` says it too.",
        ),
    ] = field(default_factory=lambda: socket.gethostname().lower())
    state_directory: Annotated[
        Path,
        Field(
            description="Where the sign of life, the model and the spool lie, and NodeStates where there is no API "
            "server. Should outlive the process: model and undelivered vectors then do."
        ),
    ] = Path("/var/lib/leeward")
    roots: Roots = field(default_factory=Roots)
    sampling_period_seconds: Annotated[
        Finite,
        Field(
            gt=0.0,
            le=60.0,
            description="Between two samples. Levels such as cache occupancy are read each time and averaged over a "
            "window; counters are read where a window ends. The agent's own CPU time falls as this grows.",
        ),
    ] = 1.0
    window_seconds: Annotated[
        Finite,
        Field(
            gt=0.0,
            le=600.0,
            description="What a vector covers; no shorter than a sampling period. A longer window is steadier, reads "
            "other CPUs' counters less often and sees a change later.",
        ),
    ] = 10.0
    heartbeat_seconds: Annotated[
        Finite,
        Field(
            gt=0.0,
            le=3600.0,
            description="The longest time between two NodeStates of a node where nothing changes. Each is a write to "
            "the API server. Readers take a state for stale after 300 s unless told otherwise.",
        ),
    ] = 120.0
    minimum_running_share: Annotated[
        Finite,
        Field(
            ge=0.0,
            le=1.0,
            description="A group of counters that ran for less than this share of the window is missing: what "
            "multiplexing leaves of it says too little.",
        ),
    ] = 0.05
    event_groups: Annotated[
        tuple[EventGroup, ...],
        Field(
            min_length=1,
            description="Families of counters to open. Without `core` no CPU is interrupted, and the features that "
            "need it are missing.",
        ),
        AfterValidator(_each_once),
    ] = tuple(EventGroup)
    isolated_cpus: Annotated[
        IsolatedCpuPolicy,
        Field(
            description="Whether core events of isolated CPUs are read, which interrupts each of them for some "
            "microseconds: `never`; `sampled`, one group of counters a window; `full`, all groups in turn."
        ),
    ] = IsolatedCpuPolicy.NEVER
    remote_reads_per_second: Annotated[
        Finite,
        Field(
            gt=0.0,
            le=1e6,
            description="Ceiling of how many times a second a read interrupts some other CPU, over the whole node. "
            "The least telling counters are left out until the rest fits; the coverage names them.",
        ),
    ] = 1000.0
    ingest_url: Annotated[
        Url | None,
        Field(
            examples=["http://leeward-ingest:8080"],
            description="Where vectors are sent. Without it they are kept nowhere, and no spool is written.",
        ),
    ] = None
    spool_bytes: Annotated[
        int,
        Field(
            ge=1 << 20,
            le=1 << 40,
            description="What vectors that wait for ingest may take in the state directory; beyond it the oldest are "
            "given up, and counted.",
        ),
    ] = 64 << 20
    model_url: Annotated[
        Url | None,
        Field(
            examples=["http://leeward-models:8080"],
            description="Which model server brings the regime model. Without it the agent uses what lies in the state "
            "directory; with nothing there every regime is `unknown`.",
        ),
    ] = None
    model_poll_seconds: Annotated[
        Finite, Field(gt=0.0, le=86_400.0, description="Between two questions to the model server, with jitter.")
    ] = 60.0
    ca_file: Annotated[
        Path | None,
        Field(
            description="Certificate authority, in PEM, of ingest and the model server; the system's without it. The "
            "API server's comes with the service account."
        ),
    ] = None
    listen: Annotated[
        Listen | None,
        Field(
            examples=["0.0.0.0:9464", "[::1]:9464"],
            description="Where `/metrics`, `/livez` and `/readyz` are served, in clear text and to whoever reaches the "
            "port. Without it the agent listens nowhere.",
        ),
    ] = None
    replay: Annotated[
        Path | None,
        Field(description="A recorded trace that is replayed in place of this machine's counters, all of them."),
    ] = None

    def __post_init__(self) -> None:
        period, window = self.sampling_period_seconds, self.window_seconds
        if not 0.0 < period <= window:
            raise AgentError(f"a sample every {period} s and a window of {window} s: a window holds a sample at least")
        for key, setting in setting_fields(AgentSettings).items():
            value = _value_of(self, key.split("."))
            try:
                setting.check(value)
            except UnlawfulError as error:
                raise AgentError(f"{key} is {value}: say {error}") from error

    @property
    def listen_address(self) -> tuple[str, int] | None:
        """Host, empty for all addresses, and port, 0 for a free one; ``None`` where the agent listens nowhere.

        >>> AgentSettings(listen="[::1]:9464").listen_address
        ('::1', 9464)
        """
        if self.listen is None:
            return None
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    def with_spec(self, spec: Spec | None) -> "AgentSettings":
        """These settings, with what the administrator said in the NodeState put over them.

        Args:
            spec: its absent keys leave the settings as they are.

        Raises:
            AgentError: settings and spec do not go together.
        """
        told: dict[str, Any] = {} if spec is None else {key: value for key, value in spec if value is not None}
        try:
            return replace(self, **told)
        except AgentError as error:
            raise AgentError(
                f"the NodeState's spec can't be followed: {error}; correct it: kubectl edit nodestate {self.node}"
            ) from error


def _value_of(settings: object, names: Sequence[str]) -> object:
    for name in names:
        settings = getattr(settings, name)
    return settings
