/* What a state of a scene implies for each of its unknowns. The mechanisms are those of eval/testbed's Python, which says
 * where each comes from; a test holds the two together, state by state. newton.c follows in the same translation unit. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "solver.h"

#define SOCKETS 2

/* What a worker does. */
typedef struct {
    double rate, busy, active;
} activity;

/* What siblings leave a tenant. */
typedef struct {
    double factor, spill, code_spill, fetches, walks;
} beside;

/* What a tenant does to the machine: implied time of an operation, lines a second that it and its devices insert, bytes
 * a second that it reads and writes, locks of the bus a second. */
typedef struct {
    double service_ns, data_lines, ring_lines, read, written, locks;
} effects;

/* Sums of these, by the tenants' socket. */
typedef struct {
    double local[SOCKETS], abroad[SOCKETS], read_abroad[SOCKETS], written_abroad[SOCKETS], locks;
} flowing;

/* One state, and what follows from it; arrays as long as there are unknowns, tenants, streams, streams x parts, parts. */
typedef struct {
    double *unknown;
    activity *act;
    effects *effect;
    double *held;
    double *occupied;
    double *filled;
    double *implied;
    flowing flow;
} trial;

typedef struct {
    const leeward_machine *m;
    const leeward_scene *s;
    int streams, unknowns;
    int first_stream, first_part, first_latency, first_hop, bus; /* places of the unknowns */
    int *ring_of;                                                /* tenant -> its ring's stream, or -1 */
    double *code_taken, *page_taken;                             /* tenants x tenants: what a busy sibling takes */
    beside *alone;
    char *touched_tenant, *touched_stream;
} problem;

static double least(double a, double b) { return a < b ? a : b; }
static double most(double a, double b) { return a > b ? a : b; }

static double miss_ratio(double held, double footprint, double steepness, double compulsory)
{
    double part = least(held / footprint, 1.0);
    return 1.0 - (1.0 - compulsory) * (part == 1.0 ? 1.0 : pow(part, steepness));
}

static double queueing_ns(const leeward_machine *m, double utilisation, double service_ns)
{
    double below = least(utilisation, m->knee), beyond = most(utilisation - m->knee, 0.0);
    return service_ns * (below / (1.0 - below) + beyond / ((1.0 - m->knee) * (1.0 - m->knee)));
}

static double blocked_share(double load, double places)
{
    double logarithm = log(load), distance = most(fabs(logarithm), 1e-12);
    return expm1(-distance) / expm1(-(places + 1.0) * distance) * exp(-places * most(-logarithm, 0.0));
}

static activity worked(const leeward_tenant *t, double service_ns)
{
    double capacity = t->serving * 1e9 / service_ns, rate = capacity;
    if (!isinf(t->offered))
        rate = t->offered * (1.0 - blocked_share(t->offered / capacity, t->places));
    double busy = least((rate / capacity * t->serving + rate * t->forward_ns * 1e-9) / t->threads, 1.0);
    return (activity){.rate = rate, .busy = busy, .active = t->polls != 0.0 ? 1.0 : busy};
}

static double fetches(const leeward_machine *m, const leeward_tenant *t, double room)
{
    return t->code_fetched_lines * miss_ratio(room * m->l1i_bytes, t->code_hot_bytes, t->code_steepness, m->code_cold);
}

static double walks(const leeward_tenant *t, double room)
{
    return t->pages_lookups * miss_ratio(room * t->pages_entries, t->pages_hot, t->pages_steepness, t->pages_cold);
}

/* Two threads of a core share ports, L1I, L2 and the second-level TLB. */
static beside siblings(const problem *p, const activity *act, int own)
{
    const leeward_machine *m = p->m;
    const leeward_tenant *t = &p->s->tenant[own];
    int tenants = p->s->tenants, has_sibling = 0;
    double factor = 1.0, crowded = 0.0, code_room = 1.0, page_room = 1.0;
    for (int other = 0; other < tenants; other++) {
        double share = p->s->sibling_share[own * tenants + other];
        if (share == 0.0)
            continue;
        const leeward_tenant *o = &p->s->tenant[other];
        const activity *a = &act[other];
        double polling = o->polls != 0.0 ? (1.0 - a->busy) * m->polling_port_demand : 0.0;
        double surplus = t->port_demand + (a->busy * o->port_demand + polling) / a->active - 1.0;
        double excess = 0.5 * (surplus + sqrt(surplus * surplus + m->port_rounding * m->port_rounding));
        has_sibling = 1;
        factor += share * a->active * (t->partition_cost + excess);
        crowded += share * a->active * o->l2_footprint;
        code_room -= a->busy * p->code_taken[own * tenants + other];
        page_room -= a->busy * p->page_taken[own * tenants + other];
    }
    if (!has_sibling)
        return p->alone[own];
    return (beside){
        .factor = factor,
        .spill = 1.0 + m->spill * crowded,
        .code_spill = 1.0 + m->code_from_sibling * crowded,
        .fetches = fetches(m, t, code_room),
        .walks = walks(t, page_room),
    };
}

static effects effects_of(const problem *p, const trial *x, int own)
{
    const leeward_machine *m = p->m;
    const leeward_tenant *t = &p->s->tenant[own];
    beside with = siblings(p, x->act, own);
    double rate = x->act[own].rate;
    double missed = miss_ratio(x->unknown[p->first_stream + own], t->footprint_bytes, t->steepness, t->compulsory);
    double evicted = 0.0;
    if (p->ring_of[own] >= 0)
        evicted = miss_ratio(x->unknown[p->first_stream + p->ring_of[own]], t->ring_bytes, 1.0, m->ring_compulsory);
    double accesses = t->llc_accesses * with.spill, misses = accesses * missed;
    double packet_misses = t->packet_reads * evicted;
    double hits = accesses - misses + t->packet_reads - packet_misses;
    double bus_wait = queueing_ns(m, x->unknown[p->bus], 0.5 * m->bus_lock_ns);
    int socket = (int)t->socket;
    const double *latency = &x->unknown[p->first_latency], *hop = &x->unknown[p->first_hop];
    double miss_ns = latency[socket] + t->remote * (latency[1 - socket] - latency[socket] + hop[socket]) + bus_wait;
    double hit_ns = m->llc_hit_ns + bus_wait;
    double code_accesses = with.fetches * least(t->code_beyond_l2 * with.code_spill, 1.0);
    double table_accesses = m->tables_beyond_l2 * with.walks;
    double code_misses = code_accesses * m->code_evicted * missed;
    double table_misses = table_accesses * m->tables_evicted * missed;
    double lines_read = misses + packet_misses + code_misses + table_misses
                        + m->sent_after_eviction * t->sent_lines * evicted;
    double received_evicted = rate * t->received_lines * evicted;
    return (effects){
        .service_ns = t->compute_ns * with.factor + hits * t->hit_exposed * hit_ns
                      + t->sharing_transfers * (m->transfer_ns + bus_wait)
                      + (misses + packet_misses) * t->miss_exposed * miss_ns
                      + m->fetch_exposed * (with.fetches * m->l2_hit_ns + code_accesses * hit_ns
                                            + code_misses * (miss_ns - hit_ns))
                      + m->walk_exposed * (with.walks * m->walk_ns + table_accesses * hit_ns
                                           + table_misses * (miss_ns - hit_ns))
                      + t->sharing_bus_locks * (m->bus_lock_ns + bus_wait),
        .data_lines = rate * misses * t->retained,
        .ring_lines = received_evicted,
        .read = m->line_bytes * rate * lines_read,
        .written = m->line_bytes * (rate * misses * t->written + received_evicted),
        .locks = rate * t->sharing_bus_locks,
    };
}

static void add(flowing *flow, const leeward_tenant *t, const effects *e, double sign)
{
    int socket = (int)t->socket;
    flow->local[socket] += sign * (e->read + e->written) * (1.0 - t->remote);
    flow->abroad[socket] += sign * (e->read + e->written) * t->remote;
    flow->read_abroad[socket] += sign * e->read * t->remote;
    flow->written_abroad[socket] += sign * e->written * t->remote;
    flow->locks += sign * e->locks;
}

static int owner_of(const problem *p, int stream)
{
    return stream < p->s->tenants ? stream : (int)p->s->ring_owner[stream - p->s->tenants];
}

/* What a stream holds of each part, into a row; returns the sum. */
static double hold(const problem *p, const trial *x, int stream, double *row)
{
    const leeward_machine *m = p->m;
    int parts = p->s->parts, owner = owner_of(p, stream), is_ring = stream >= p->s->tenants;
    const double *spread = &p->s->spread[stream * parts], *residence = &x->unknown[p->first_part];
    const leeward_tenant *t = &p->s->tenant[owner];
    double lines = most(is_ring ? x->effect[owner].ring_lines : x->effect[owner].data_lines, m->least_insertions);
    double total = 0.0;
    for (int part = 0; part < parts; part++)
        total += row[part] = m->line_bytes * lines * spread[part] * residence[part];
    double over = total / (is_ring ? t->ring_bytes : t->footprint_bytes);
    over *= over;
    over *= over;
    double kept = 1.0 / sqrt(sqrt(sqrt(1.0 + over * over))); /* a corner of power 8 */
    for (int part = 0; part < parts; part++)
        row[part] *= kept;
    return total * kept;
}

static void imply_shared(const problem *p, trial *x)
{
    const leeward_machine *m = p->m;
    const flowing *f = &x->flow;
    for (int k = 0; k < SOCKETS; k++) {
        double traffic = f->local[k] + f->abroad[1 - k], sent_to = f->read_abroad[k] + f->written_abroad[1 - k];
        x->implied[p->first_latency + k] =
            m->dram_idle_ns + queueing_ns(m, traffic / m->dram_peak_bytes_per_second, m->dram_service_ns);
        x->implied[p->first_hop + k] =
            m->upi_hop_ns + queueing_ns(m, sent_to / m->upi_bytes_per_second, m->upi_service_ns);
    }
    x->implied[p->bus] = f->locks * m->bus_lock_ns * 1e-9 + m->least_held;
}

/* Everything that follows from the unknowns. */
static void imply(const problem *p, trial *x)
{
    int tenants = p->s->tenants, parts = p->s->parts;
    memset(&x->flow, 0, sizeof x->flow);
    for (int i = 0; i < tenants; i++)
        x->act[i] = worked(&p->s->tenant[i], x->unknown[i]);
    for (int i = 0; i < tenants; i++) {
        x->effect[i] = effects_of(p, x, i);
        x->implied[i] = x->effect[i].service_ns;
        add(&x->flow, &p->s->tenant[i], &x->effect[i], 1.0);
    }
    for (int part = 0; part < parts; part++)
        x->filled[part] = x->unknown[p->first_part + part] / p->m->left_over_seconds;
    for (int stream = 0; stream < p->streams; stream++) {
        double *row = &x->held[stream * parts];
        x->implied[p->first_stream + stream] = x->occupied[stream] = hold(p, x, stream, row);
        for (int part = 0; part < parts; part++)
            x->filled[part] += row[part] / p->s->part_bytes[part];
    }
    for (int part = 0; part < parts; part++)
        x->implied[p->first_part + part] = x->unknown[p->first_part + part] / x->filled[part];
    imply_shared(p, x);
}

static void look(const problem *p, const double *state, trial *x)
{
    for (int i = 0; i < p->unknowns; i++)
        x->unknown[i] = exp(state[i]);
    imply(p, x);
}

static void index_rings(problem *p)
{
    for (int i = 0; i < p->s->tenants; i++)
        p->ring_of[i] = -1;
    for (int ring = 0; ring < p->s->rings; ring++)
        p->ring_of[p->s->ring_owner[ring]] = p->s->tenants + ring;
}

static double set_against(double own, double other, double wanted)
{
    return own + other > 0.0 ? least(other / (own + other), wanted) : 0.0;
}

/* What no state changes: what a tenant fetches and walks alone, and what siblings would take of that. */
static void prepare(problem *p)
{
    const leeward_machine *m = p->m;
    int tenants = p->s->tenants;
    for (int i = 0; i < tenants; i++) {
        const leeward_tenant *t = &p->s->tenant[i];
        p->alone[i] = (beside){1.0, 1.0, 1.0, fetches(m, t, 1.0), walks(t, 1.0)};
        for (int j = 0; j < tenants; j++) {
            double share = p->s->sibling_share[i * tenants + j];
            if (share == 0.0)
                continue;
            const leeward_tenant *o = &p->s->tenant[j];
            double code = least(t->code_hot_bytes / m->l1i_bytes, 1.0), pages = least(t->pages_hot / t->pages_entries, 1.0);
            double their_code = least(o->code_hot_bytes / m->l1i_bytes, 1.0);
            double their_pages = least(o->pages_hot / o->pages_entries, 1.0);
            p->code_taken[i * tenants + j] =
                share * set_against(t->code_fetched_lines * code, o->code_fetched_lines * their_code, their_code);
            p->page_taken[i * tenants + j] =
                share * set_against(t->pages_lookups * pages, o->pages_lookups * their_pages, their_pages);
        }
    }
    index_rings(p);
}

static void number(problem *p, const leeward_machine *machine, const leeward_scene *scene)
{
    p->m = machine;
    p->s = scene;
    p->streams = scene->tenants + scene->rings;
    p->first_stream = scene->tenants;
    p->first_part = p->first_stream + p->streams;
    p->first_latency = p->first_part + scene->parts;
    p->first_hop = p->first_latency + SOCKETS;
    p->bus = p->first_hop + SOCKETS;
    p->unknowns = p->bus + 1;
}

/* Doubles that the arrays of one trial take. */
static size_t trial_doubles(const problem *p)
{
    size_t tenants = p->s->tenants, parts = p->s->parts;
    return 2 * p->unknowns + p->streams * (parts + 1) + parts
           + tenants * (sizeof(activity) + sizeof(effects)) / sizeof(double);
}

static void lay_out(const problem *p, double *memory, trial *x)
{
    int tenants = p->s->tenants, parts = p->s->parts;
    x->unknown = memory;
    x->implied = x->unknown + p->unknowns;
    x->held = x->implied + p->unknowns;
    x->occupied = x->held + p->streams * parts;
    x->filled = x->occupied + p->streams;
    x->act = (activity *)(x->filled + parts);
    x->effect = (effects *)(x->act + tenants);
}

/* One block for everything; NULL where there is no memory. */
static double *allocate(problem *p, trial *x, trial *near, double **scratch)
{
    size_t tenants = p->s->tenants, n = p->unknowns, of_trial = trial_doubles(p);
    size_t of_beside = sizeof(beside) / sizeof(double);
    size_t doubles = 2 * tenants * tenants + tenants * of_beside + 2 * of_trial + 4 * n + n * n;
    size_t bytes = doubles * sizeof(double) + tenants * sizeof(int) + tenants + p->streams;
    double *memory = malloc(bytes);
    if (memory == NULL)
        return NULL;
    p->code_taken = memory;
    p->page_taken = p->code_taken + tenants * tenants;
    p->alone = (beside *)(p->page_taken + tenants * tenants);
    double *of_x = (double *)(p->alone + tenants);
    lay_out(p, of_x, x);
    lay_out(p, of_x + of_trial, near);
    *scratch = of_x + 2 * of_trial;
    p->ring_of = (int *)(memory + doubles);
    p->touched_tenant = (char *)(p->ring_of + tenants);
    p->touched_stream = p->touched_tenant + tenants;
    return memory;
}
