"""What runs on every node: kernel, kubelet and the agent itself."""

from eval.testbed.behaviour import Behaviour
from eval.testbed.hardware import MEBIBYTE, SOCKETS
from eval.testbed.scene import Tenant

_BEHAVIOUR = Behaviour(
    compute_ns=350.0,
    llc_accesses=12.0,
    footprint_bytes=1.0 * MEBIBYTE,
    received_lines=1.0,
    sent_lines=1.0,
    packet_reads=0.5,
    ring_bytes=0.125 * MEBIBYTE,
    remote=0.1,
)
_LOAD = 0.1
"""A tenth of one CPU, spread over the socket."""

HOUSEKEEPERS = tuple(Tenant(behaviour=_BEHAVIOUR, socket=socket, threads=1, load=_LOAD) for socket in range(SOCKETS))
"""One a socket; the last tenants of every node's scene."""
