"""Figures that the doctor holds a Sapphire Rapids node against, each with its source."""

LLC_BYTES_A_CHA = 1920 * 1024
"""Each CHA serves one slice of the last-level cache, 1.875 MiB (Intel Xeon Platinum 8480+ product page: 105 MB of cache
for 56 cores, each with a slice)."""

UPI_LINKS_OF_MCC = 3
"""UPI boxes of the medium core count die; the extreme one has four. Firmware describes the third of them wrongly; Linux
corrects that since 2023 (commit 65248a9a9ee1, "perf/x86/uncore: Add a quirk for UPI on SPR")."""

NAMED_BOXES = (5, 15)
"""Linux from here on knows Sapphire Rapids' boxes by name and all their umask bits
(``arch/x86/events/intel/uncore_snbep.c``); distributions carry it back."""

CLUSTER_MONITORING = (6, 11)
"""Linux from here on monitors each sub-NUMA cluster (``mon_sub_L3_YY``); distributions carry it back."""

CAP_PERFMON = (5, 8)
"""Linux from here on has CAP_PERFMON; before, CAP_SYS_ADMIN it is (``capabilities(7)``)."""

READ_INTERRUPTS_US = "6 to 7"
"""Microseconds that reading one group of counters takes from the CPU that counts, measured on a virtual machine of two
CPUs with a busy loop on the other one."""
