"""Builds ``agent.sources._perf``, the cffi extension around ``perf.c``.

Installing the package builds it. In a checkout: ``python agent/sources/perf_build.py``.
"""

import shutil
import tempfile
from pathlib import Path

from cffi import FFI

MODULE = "agent.sources._perf"

ffibuilder = FFI()
ffibuilder.cdef(
    """
    struct perf_event_attr {
        uint32_t type;
        uint32_t size;
        uint64_t config;
        uint64_t read_format;
        uint64_t config1;
        uint64_t config2;
        ...;
    };

    typedef struct {
        long (*open)(struct perf_event_attr *attr, int pid, int cpu, int group_fd, unsigned long flags);
        long (*read)(int fd, void *buffer, size_t size);
        long (*ioctl)(int fd, unsigned long request, unsigned long argument);
        long (*close)(int fd);
        long (*get_affinity)(size_t size, unsigned long *mask);
        long (*set_affinity)(size_t size, const unsigned long *mask);
    } leeward_system_calls;

    #define LEEWARD_OWN_THREAD ...
    #define LEEWARD_EVERY_TASK ...
    #define LEEWARD_ANYWHERE ...
    #define LEEWARD_HEADER_WORDS ...
    #define LEEWARD_AFFINITY_WORDS ...

    typedef struct {
        size_t groups;
        const int *fds;
        const int *members;
        const int *places;
        const unsigned long *masks;
        size_t words_per_row;
    } leeward_read_plan;

    const leeward_system_calls *leeward_kernel(void);
    int leeward_perf_open(const leeward_system_calls *calls, uint32_t type, uint64_t config, uint64_t config1,
                          uint64_t config2, int cgroup_fd, int cpu, int group_fd);
    int leeward_perf_enable(const leeward_system_calls *calls, int fd);
    int leeward_perf_disable(const leeward_system_calls *calls, int fd);
    int leeward_perf_close(const leeward_system_calls *calls, int fd);
    size_t leeward_perf_read_groups(const leeward_system_calls *calls, const leeward_read_plan *plan, uint64_t *rows,
                                    int *errors);
    """
)
ffibuilder.set_source(
    MODULE,
    (Path(__file__).parent / "perf.c").read_text(),
    extra_compile_args=["-std=gnu11", "-O2", "-Wall", "-Wextra"],
)


def build_in_place() -> Path:
    """Compile, and put the extension beside this file; a program that runs keeps the one it has mapped.

    Returns:
        The extension's path.
    """
    with tempfile.TemporaryDirectory() as directory:
        built = Path(ffibuilder.compile(tmpdir=directory))
        unfinished = Path(shutil.copy2(built, Path(__file__).with_name(f".{built.name}.unfinished")))
        return unfinished.replace(Path(__file__).with_name(built.name))


if __name__ == "__main__":
    build_in_place()
