"""Figures of the simulated machine, in one place, each with its source.

A socket stands for somewhat more than a quarter of a Xeon Platinum 8480+ (56 cores, 105 MB of last-level cache in 15
ways, eight channels, four UPI links): what a core finds of cache, bandwidth and link is that of the whole socket, while
a window of counters stays cheap. Figures marked *assumed* have no public source and were set to look right.
"""

from agent.ceilings import DRAM_COMMANDS_PER_CLOCK, UPI_FLITS_PER_CLOCK

SOCKETS = 2
CORES_PER_SOCKET = 16
"""Of 56: five or six network functions of two to four cores fill it, and it has 64 threads on two sockets, not 224."""

LINE_BYTES = 64
KIBIBYTE = 1024.0
MEBIBYTE = 1024.0**2

LLC_BYTES = CORES_PER_SOCKET * 1.875 * MEBIBYTE
"""1.875 MiB a core (Intel Xeon Platinum 8480+ product page: 105 MB for 56 cores)."""
LLC_WAYS = 15
DDIO_WAYS = 2
"""Where inbound writes allocate by default (Farshin et al., "Reexamining Direct Cache Access", USENIX ATC 2020)."""
DDIO_BYTES = LLC_BYTES * DDIO_WAYS / LLC_WAYS
ALL_WAYS = (1 << LLC_WAYS) - 1
DDIO_MASK = ALL_WAYS ^ (ALL_WAYS >> DDIO_WAYS)
"""The topmost ways (ibid., the default of IIO_LLC_WAYS), as a bit mask; cores may allocate in them too."""

IMC_BOXES = 2
"""Of eight channels: 4.8 GB/s a core, against 5.5 GB/s on the 8480+."""
CHA_BOXES = 4
"""Of one a core: addresses are hashed evenly over the slices, so more rows would say the same."""
UPI_BOXES = 1
"""Of four links: 2.7 GB/s a core one way, against 3.0 on the 8480+."""
IIO_BOXES = 2

NOMINAL_CLOCK_HZ = 2.5e9
"""Between the 8480+'s base clock of 2.0 and its all-core turbo of 3.0 GHz; a node's clock is a ratio to it."""
TSC_HZ = 2.0e9
CRYSTAL_HZ = 25.0e6
"""The core crystal clock (CPUID leaf 15H), which REF_DISTRIBUTED and ONE_THREAD_ACTIVE tick by."""
UNCORE_CLOCK_HZ = 2.0e9
DRAM_CLOCK_HZ = 2.4e9
"""Half the transfer rate of DDR5-4800."""
UPI_CLOCK_HZ = 2.0e9
"""16 GT/s over eight transfers a flit."""

CHANNEL_BYTES_PER_SECOND = DRAM_COMMANDS_PER_CLOCK * DRAM_CLOCK_HZ * LINE_BYTES
DRAM_PEAK_BYTES_PER_SECOND = IMC_BOXES * CHANNEL_BYTES_PER_SECOND
"""76.8 GB/s; equals two channels of the agent's own ceiling, so that utilisation ends at 1."""
FLITS_PER_LINE = 9
"""Counts of ALL_DATA that carry 64 B (perfmon V1.39, metric ``upi_data_transmit_bw``)."""
UPI_BYTES_PER_SECOND = UPI_BOXES * UPI_FLITS_PER_CLOCK * UPI_CLOCK_HZ / FLITS_PER_LINE * LINE_BYTES
"""One way, both links."""

L2_HIT_NS = 4.4
LLC_HIT_NS = 37.0
TRANSFER_NS = 81.0
"""Of a line that another core of the socket has modified."""
DRAM_IDLE_NS = 109.0
UPI_HOP_NS = 81.0
"""Of remote memory, 190 ns, less local. These are Intel's own figures for this processor, load to use without load: the
constants of the metrics L2_Hit_Latency, L3_Hit_Latency, Contested_Accesses, Local_MEM and Remote_MEM in
``sapphirerapids_metrics.json`` V1.3 (perfmon), which multiply counts by nanoseconds and core clock."""

BUS_LOCK_NS = 400.0
"""A thousand core clocks: an access that crosses two lines "can occupy the memory bus for around 1,000 clock cycles"
("Developers split over split-lock detection", LWN, 2019); the kernel's ``buslock.rst`` says "typically thousands of
cycles"."""

L1I_BYTES = 32.0 * KIBIBYTE
STLB_ENTRIES = 2048.0
STLB_HUGE_ENTRIES = 1024.0
"""Of those, what translations of 2 MiB pages may use. All three Golden Cove (Intel optimisation manual, 2.2; Bakhvalov,
"Performance Analysis and Tuning on Modern CPUs", 2nd ed., 2024, chapter 3)."""

SLOTS_PER_CLOCK = 6
"""Golden Cove allocates six micro-operations a clock (Intel optimisation manual, 2.2)."""
SUPER_QUEUE_ENTRIES = 48
"""Requests that one core's L2 may have outstanding (Intel optimisation manual, 2.2, "48 outstanding L2 misses")."""
