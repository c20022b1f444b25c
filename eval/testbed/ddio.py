"""Device writes into the cache (Data Direct I/O).

Devices allocate in a few ways only. Where the rings of a socket together exceed those, or where cores evict what was
received before it was read, packets go through memory: "leaky DMA" (Tootoonchian et al., "ResQ", NSDI 2018; Farshin et
al., USENIX ATC 2020). Rings are sharers of the cache like any other, with a mask: see ``eval.testbed.ways``. What leaks
is written to memory and read back from it, so it takes bandwidth from co-runners that do no I/O at all (Yuan et al.,
"Don't forget the I/O when allocating your LLC", ISCA 2021).
"""

RING_COMPULSORY = 0.02
"""Share of device writes that allocate although their ring is in the cache (*assumed*)."""
SENT_AFTER_EVICTION = 0.6
"""Share of evicted packets that a device has yet to read for sending (*assumed*)."""
