"""What the boxes beside the cores count a second, socket by socket."""

import numpy as np
from numpy.typing import NDArray

from contracts.events import Pmu
from eval.testbed.ddio import SENT_AFTER_EVICTION
from eval.testbed.equilibrium import Flows
from eval.testbed.hardware import (
    DRAM_CLOCK_HZ,
    DRAM_IDLE_NS,
    DRAM_PEAK_BYTES_PER_SECOND,
    FLITS_PER_LINE,
    LINE_BYTES,
    SOCKETS,
    UNCORE_CLOCK_HZ,
    UPI_CLOCK_HZ,
)
from eval.testbed.memory import dram_latency_ns
from eval.testbed.scene import Scene, SceneArrays, arrays_of

DoubleArray = NDArray[np.float64]

DATA_READ_SHARE = 0.8
"""Of misses, data reads; the others are for ownership and for code (*assumed*)."""
PARTIAL_WRITES = 0.15
"""Of device writes, those of less than a line, descriptors above all (*assumed*)."""
CONTROLLER_NS = 25.0
"""A read's stay in the controller's queue when nobody else is there (*assumed*)."""
CONFLICTS_WHEN_FULL = 0.6
"""By how much row conflicts rise from an idle to a saturated memory (*assumed*)."""
IIO_UNIT_BYTES = 4
"""What one count of DATA_REQ_OF_CPU stands for."""


def uncore_rates(scene: Scene, flows: Flows) -> dict[Pmu, dict[str, DoubleArray]]:
    """Counts a second of every uncore and resctrl event of the contract: all boxes of a socket, one entry a socket.

    Clock ticks alone are those of one box.
    """
    arrays = arrays_of(scene)
    here = (arrays.socket == np.arange(SOCKETS)[:, None]).astype(np.float64)
    return {
        Pmu.CHA: _cha(arrays, flows, here),
        Pmu.IMC: _imc(arrays, flows, here),
        Pmu.UPI: _upi(flows),
        Pmu.IIO: _iio(arrays, flows, here),
        Pmu.RESCTRL: _resctrl(arrays, flows, here),
    }


def _cha(arrays: SceneArrays, flows: Flows, here: DoubleArray) -> dict[str, DoubleArray]:
    misses = flows.rate * (flows.misses + flows.packet_misses + flows.side_misses)
    requests = flows.accesses + arrays.packet_reads + flows.code_accesses + flows.table_accesses
    read_misses = DATA_READ_SHARE * misses
    received = here @ (flows.rate * arrays.received_lines)
    received_missed = here @ (flows.rate * arrays.received_lines * flows.evicted)
    sent = here @ (flows.rate * arrays.sent_lines)
    sent_missed = here @ (flows.rate * arrays.sent_lines * flows.evicted) * SENT_AFTER_EVICTION
    latency_clocks = flows.latency_ns * 1e-9 * UNCORE_CLOCK_HZ
    dirty = flows.rate * (flows.misses * arrays.written + arrays.received_lines * flows.evicted)
    return {
        "UNC_CHA_TOR_INSERTS.IA": here @ (flows.rate * (requests + arrays.sharing_transfers)),
        "UNC_CHA_TOR_INSERTS.IA_MISS": here @ misses,
        "UNC_CHA_TOR_INSERTS.IA_MISS_DRD": here @ read_misses,
        "UNC_CHA_TOR_INSERTS.IA_MISS_DRD_LOCAL": here @ (read_misses * (1.0 - arrays.remote)),
        "UNC_CHA_TOR_INSERTS.IA_MISS_DRD_REMOTE": here @ (read_misses * arrays.remote),
        "UNC_CHA_TOR_OCCUPANCY.IA_MISS_DRD": here @ (read_misses * latency_clocks),
        "UNC_CHA_TOR_INSERTS.IO": received + sent,
        "UNC_CHA_TOR_INSERTS.IO_ITOM": (1.0 - PARTIAL_WRITES) * received,
        "UNC_CHA_TOR_INSERTS.IO_MISS_ITOM": (1.0 - PARTIAL_WRITES) * received_missed,
        "UNC_CHA_TOR_INSERTS.IO_ITOMCACHENEAR": PARTIAL_WRITES * received,
        "UNC_CHA_TOR_INSERTS.IO_MISS_ITOMCACHENEAR": PARTIAL_WRITES * received_missed,
        "UNC_CHA_TOR_INSERTS.IO_PCIRDCUR": sent,
        "UNC_CHA_TOR_INSERTS.IO_MISS_PCIRDCUR": sent_missed,
        "UNC_CHA_LLC_VICTIMS.TOTAL_M": here @ dirty,
    }


def _imc(arrays: SceneArrays, flows: Flows, here: DoubleArray) -> dict[str, DoubleArray]:
    reads = _at_memory(flows.read, arrays.remote, here) / LINE_BYTES
    writes = _at_memory(flows.written, arrays.remote, here) / LINE_BYTES
    conflicts = _at_memory((flows.read + flows.written) * arrays.row_missed, arrays.remote, here) / LINE_BYTES
    utilisation = flows.traffic / DRAM_PEAK_BYTES_PER_SECOND
    wait_ns = CONTROLLER_NS + dram_latency_ns(flows.traffic) - DRAM_IDLE_NS
    return {
        "UNC_M_CAS_COUNT.RD": reads,
        "UNC_M_CAS_COUNT.WR": writes,
        "UNC_M_CAS_COUNT.ALL": reads + writes,
        "UNC_M_PRE_COUNT.ALL": conflicts * (1.0 + CONFLICTS_WHEN_FULL * utilisation),
        "UNC_M_RPQ_INSERTS.PCH0": 0.5 * reads,
        "UNC_M_RPQ_OCCUPANCY_PCH0": 0.5 * reads * wait_ns * 1e-9 * DRAM_CLOCK_HZ,
        "UNC_M_CLOCKTICKS": np.full(SOCKETS, DRAM_CLOCK_HZ),
    }


def _at_memory(bytes_per_second: DoubleArray, remote: DoubleArray, here: DoubleArray) -> DoubleArray:
    """Of tenants' traffic, what each socket's memory sees."""
    return here @ (bytes_per_second * (1.0 - remote)) + (here @ (bytes_per_second * remote))[::-1]


def _upi(flows: Flows) -> dict[str, DoubleArray]:
    flits = flows.transmitted / LINE_BYTES * FLITS_PER_LINE
    return {
        "UNC_UPI_TxL_FLITS.ALL_DATA": flits,
        "UNC_UPI_RxL_FLITS.ALL_DATA": flits[::-1],
        "UNC_UPI_CLOCKTICKS": np.full(SOCKETS, UPI_CLOCK_HZ),
    }


def _iio(arrays: SceneArrays, flows: Flows, here: DoubleArray) -> dict[str, DoubleArray]:
    counts_per_line = LINE_BYTES / IIO_UNIT_BYTES
    return {
        "UNC_IIO_DATA_REQ_OF_CPU.MEM_WRITE.ALL_PARTS": here @ (flows.rate * arrays.received_lines) * counts_per_line,
        "UNC_IIO_DATA_REQ_OF_CPU.MEM_READ.ALL_PARTS": here @ (flows.rate * arrays.sent_lines) * counts_per_line,
    }


def _resctrl(arrays: SceneArrays, flows: Flows, here: DoubleArray) -> dict[str, DoubleArray]:
    total = flows.read + flows.written
    return {
        "RESCTRL.MBM_TOTAL_BYTES": here @ total,
        "RESCTRL.MBM_LOCAL_BYTES": here @ (total * (1.0 - arrays.remote)),
    }
