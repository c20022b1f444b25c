/* perf_event_open and group reads. The system calls come in through a structure, so that a test can stand in for the
 * kernel at that one place. Every call returns a result, or minus an errno.
 *
 * Only reading is tried again after a signal: close() must not be, since Linux has freed the descriptor by then and
 * another thread may hold its number. */

#include <errno.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct {
    long (*open)(struct perf_event_attr *attr, int pid, int cpu, int group_fd, unsigned long flags);
    long (*read)(int fd, void *buffer, size_t size);
    long (*ioctl)(int fd, unsigned long request, unsigned long argument);
    long (*close)(int fd);
    long (*get_affinity)(size_t size, unsigned long *mask); /* of the calling thread; returns bytes written */
    long (*set_affinity)(size_t size, const unsigned long *mask);
} leeward_system_calls;

#define LEEWARD_OWN_THREAD (-1) /* in place of a CPU: the calling thread in user mode, wherever it runs */
#define LEEWARD_EVERY_TASK (-1) /* in place of a cgroup */
#define LEEWARD_ANYWHERE (-1)   /* in place of a place: read from wherever the thread is */
#define LEEWARD_HEADER_WORDS 3
#define LEEWARD_AFFINITY_WORDS 128 /* 8,192 CPUs, the most that x86-64 kernels are built for */

/* Which groups to read, how large they are, and from where. */
typedef struct {
    size_t groups;
    const int *fds;     /* leaders */
    const int *members; /* counters of each group */
    const int *places;  /* index of the place to read each group from, or LEEWARD_ANYWHERE; groups of a place together */
    const unsigned long *masks; /* CPUs of each place, LEEWARD_AFFINITY_WORDS words each */
    size_t words_per_row;
} leeward_read_plan;

static long result_or_errno(long result) { return result < 0 ? -(long)errno : result; }

static long kernel_open(struct perf_event_attr *attr, int pid, int cpu, int group_fd, unsigned long flags) {
    return result_or_errno(syscall(SYS_perf_event_open, attr, pid, cpu, group_fd, flags));
}

static long kernel_read(int fd, void *buffer, size_t size) {
    long result;
    do {
        result = result_or_errno(read(fd, buffer, size));
    } while (result == -EINTR);
    return result;
}

static long kernel_ioctl(int fd, unsigned long request, unsigned long argument) {
    return result_or_errno(ioctl(fd, request, argument));
}

static long kernel_close(int fd) { return result_or_errno(close(fd)); }

static long kernel_get_affinity(size_t size, unsigned long *mask) {
    return result_or_errno(syscall(SYS_sched_getaffinity, 0, size, mask));
}

static long kernel_set_affinity(size_t size, const unsigned long *mask) {
    return result_or_errno(syscall(SYS_sched_setaffinity, 0, size, mask));
}

static const leeward_system_calls KERNEL = {kernel_open,  kernel_read,         kernel_ioctl,
                                            kernel_close, kernel_get_affinity, kernel_set_affinity};

const leeward_system_calls *leeward_kernel(void) { return &KERNEL; }

/* Open one counter on one CPU, for every task or for those of a cgroup, or for the own thread. A leader (group_fd -1)
 * starts disabled. Guests are counted: they contend like anyone else, and uncore PMUs and top-down metrics refuse
 * filters. */
int leeward_perf_open(const leeward_system_calls *calls, uint32_t type, uint64_t config, uint64_t config1,
                      uint64_t config2, int cgroup_fd, int cpu, int group_fd) {
    int is_own = cpu == LEEWARD_OWN_THREAD;
    unsigned long flags = PERF_FLAG_FD_CLOEXEC | (cgroup_fd < 0 ? 0 : PERF_FLAG_PID_CGROUP);
    struct perf_event_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.type = type;
    attr.size = sizeof attr;
    attr.config = config;
    attr.config1 = config1;
    attr.config2 = config2;
    attr.read_format = PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    attr.disabled = group_fd < 0;
    attr.exclude_kernel = is_own;
    attr.exclude_hv = is_own;
    return (int)calls->open(&attr, is_own ? 0 : cgroup_fd, cpu, group_fd, flags);
}

/* Start a whole group through its leader. */
int leeward_perf_enable(const leeward_system_calls *calls, int fd) {
    return (int)calls->ioctl(fd, PERF_EVENT_IOC_ENABLE, PERF_IOC_FLAG_GROUP);
}

/* Stop a whole group through its leader; it keeps its counts and times. */
int leeward_perf_disable(const leeward_system_calls *calls, int fd) {
    return (int)calls->ioctl(fd, PERF_EVENT_IOC_DISABLE, PERF_IOC_FLAG_GROUP);
}

int leeward_perf_close(const leeward_system_calls *calls, int fd) { return (int)calls->close(fd); }

/* Read all groups, one read() each. Row i of rows (words_per_row words) receives number of counters, time enabled, time
 * running, values. errors[i] is 0, an errno, or ENODATA where the kernel gave less than members[i] counters.
 *
 * A counter of another package interrupts a CPU there, one of an uncore box read from its own package interrupts
 * nobody (kernel/events/core.c, PERF_EV_CAP_READ_ACTIVE_PKG). So the thread moves to each place in turn and back to where
 * it may run at last; where it may not move it reads from where it is. Returns how many groups failed. */
size_t leeward_perf_read_groups(const leeward_system_calls *calls, const leeward_read_plan *plan, uint64_t *rows,
                                int *errors) {
    unsigned long home[LEEWARD_AFFINITY_WORDS];
    memset(home, 0, sizeof home);
    int place = LEEWARD_ANYWHERE, can_return = -1;
    size_t failed = 0;
    for (size_t group = 0; group < plan->groups; ++group) {
        int wanted = plan->places[group];
        if (wanted != LEEWARD_ANYWHERE && wanted != place) {
            if (can_return < 0)
                can_return = calls->get_affinity(sizeof home, home) > 0;
            if (can_return)
                calls->set_affinity(sizeof home, plan->masks + (size_t)wanted * LEEWARD_AFFINITY_WORDS);
            place = wanted;
        }
        uint64_t *row = rows + group * plan->words_per_row;
        size_t expected = (LEEWARD_HEADER_WORDS + (size_t)plan->members[group]) * sizeof *row;
        long got = calls->read(plan->fds[group], row, plan->words_per_row * sizeof *row);
        if (got < 0)
            errors[group] = (int)-got;
        else if ((size_t)got < expected || row[0] != (uint64_t)plan->members[group])
            errors[group] = ENODATA;
        else
            errors[group] = 0;
        failed += errors[group] != 0;
    }
    if (place != LEEWARD_ANYWHERE && can_return)
        calls->set_affinity(sizeof home, home);
    return failed;
}
