"""The workloads of the testbed: network functions, what they signal with, and who else runs on their nodes.

Every figure in here is invented. It is plausible for software of its kind and says nothing of any product. The
population keeps to published magnitudes: of code (Kanev et al., "Profiling a warehouse-scale computer", ISCA 2015), of
page walks (Basu et al., "Efficient virtual memory for big memory servers", ISCA 2013), of sibling threads (Tuck and
Tullsen, "Initial observations of the simultaneous multithreading Pentium 4 processor", PACT 2003) and of what packet
functions lose with the cache (Tootoonchian et al., "ResQ", NSDI 2018). What matters is how they differ: half of what
makes a victim (steepness, exposed latency, cost of a sibling, offered load) shows in no counter of it alone.

Variants of one function are one group and are held out together: table sizes, small and huge pages, memory on the other
socket, poll-mode and interrupt-driven.
"""

from eval.testbed.catalogue.batch import BATCH
from eval.testbed.catalogue.database import DATABASES
from eval.testbed.catalogue.forwarding import FORWARDING
from eval.testbed.catalogue.inference import INFERENCE
from eval.testbed.catalogue.security import SECURITY
from eval.testbed.catalogue.signalling import SIGNALLING
from eval.testbed.catalogue.storage import STORAGE
from eval.testbed.catalogue.user_plane import USER_PLANE
from eval.testbed.errors import TestbedError
from eval.testbed.workload import Workload

WORKLOADS: tuple[Workload, ...] = (
    *USER_PLANE,
    *SECURITY,
    *FORWARDING,
    *SIGNALLING,
    *DATABASES,
    *STORAGE,
    *INFERENCE,
    *BATCH,
)

SMALL: tuple[str, ...] = (
    *("upf-large", "upf-small", "firewall", "router", "dpi", "dpi-deep"),
    *("cdn-cache", "amf", "udr", "embedding-remote", "transcoder", "batch"),
)
"""Twelve workloads in ten groups that show every axis, for where all of them take too long."""

_BY_NAME = {known.name: known for known in WORKLOADS}


def workload(name: str) -> Workload:
    """Look a workload up.

    Raises:
        TestbedError: there is none of that name; says which exist.
    """
    if name not in _BY_NAME:
        raise TestbedError(f"no workload is called {name!r}: there are {', '.join(_BY_NAME)}")
    return _BY_NAME[name]
