"""Figures of the hardware, in one place, each with its source."""

from collections.abc import Mapping

from contracts.events import Base

DDR5_BYTES_PER_SECOND_PER_SOCKET = 307.2e9
"""Eight channels of DDR5-4800: 8 x 4.8e9 transfers x 8 B (Intel Xeon Platinum 8480+ product page, "Max # of Memory
Channels", "Maximum Memory Speed"). Slower or fewer DIMMs make the true ceiling lower."""

HBM_BYTES_PER_SECOND_PER_SOCKET = 1638e9
"""Four HBM2e stacks at 3.2 GT/s on 1,024 bits each (Intel Xeon CPU Max Series product brief)."""

DRAM_COMMANDS_PER_CLOCK = 0.25
"""Column accesses a DCLK and channel at most. A 64 B access occupies a 32-bit DDR5 sub-channel for 16 transfers, that
is 8 DCLK (JEDEC JESD79-5, burst length 16); two sub-channels share one IMC box. Assumes that
``UNC_M_CLOCKTICKS`` ticks at half the transfer rate; a STREAM run on a new kind of node checks it."""

UPI_FLITS_PER_CLOCK = 3.0
"""Counts of ``UNC_UPI_TxL_FLITS.ALL_DATA`` a UPI clock at most: the event counts the three slots of a flit (nine counts
carry 64 B, perfmon V1.39 metric ``upi_data_transmit_bw``), and a link of 24 lanes sends one 192-bit flit every 8
transfers, one link clock. Derived, not yet calibrated by a remote-read stream; headers keep real traffic below it."""

HIGHEST_CLOCK_PER_SECOND: Mapping[Base, float] = {
    Base.UNCORE_CLOCK: 4e9,
    Base.DRAM_CLOCK: 4e9,
    Base.LINK_CLOCK: 4e9,
}
"""A clock that ticks faster is a misread box: such readings happen (uncore clocks of 7 GHz have been reported).
Sapphire Rapids' mesh ends at 2.5 GHz, DDR5-4800 at 2.4 GHz DCLK, UPI at 2 GHz."""

STUCK_VALUES = (2**32 - 1, 2**48 - 1, 2**64 - 1)
"""All ones: what a PCI or MMIO read gives where nobody answers (seen on UPI boxes that the firmware left out)."""

HBM_MODEL_NAME = "CPU Max"
"""In the CPU's model name where it has HBM: family, model and stepping do not tell."""
