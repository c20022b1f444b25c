"""File descriptors: counters take some 14,000 on a node of 224 CPUs, and must leave a few for files and sockets."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

SPARE = 32


def raise_descriptor_limit() -> None:
    """Allow this process as many descriptors as it may grant itself; the soft limit is usually 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextmanager
def spare_descriptors(count: int = SPARE) -> Iterator[None]:
    """Hold some descriptors back while counters are opened, so that the limit stops the counters and nothing else."""
    held: list[int] = []
    try:
        held.extend(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC) for _ in range(count))
        yield
    finally:
        for descriptor in held:
            os.close(descriptor)
