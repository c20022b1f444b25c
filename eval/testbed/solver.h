/* One occupant in its place: a row of eval.testbed.scene.SceneArrays.table, in this order. */
typedef struct {
    double socket, threads, serving, offered, places, polls;
    double compute_ns, forward_ns, llc_accesses, hit_exposed, miss_exposed, written, remote;
    double port_demand, partition_cost, l2_footprint;
    double received_lines, sent_lines, packet_reads, retained;
    double footprint_bytes, steepness, compulsory, ring_bytes;
    double code_hot_bytes, code_fetched_lines, code_steepness, code_beyond_l2;
    double pages_hot, pages_entries, pages_lookups, pages_steepness, pages_cold;
    double sharing_transfers, sharing_bus_locks;
} leeward_tenant;

/* Figures of the machine and of its mechanisms; each stands in Python with its source. */
typedef struct {
    double line_bytes, l2_hit_ns, llc_hit_ns, transfer_ns, bus_lock_ns;
    double dram_idle_ns, dram_service_ns, dram_peak_bytes_per_second;
    double upi_hop_ns, upi_service_ns, upi_bytes_per_second, knee;
    double left_over_seconds, least_insertions, short_residence, ring_compulsory, sent_after_eviction;
    double l1i_bytes, code_cold, fetch_exposed, code_evicted, code_from_sibling;
    double walk_ns, walk_exposed, tables_beyond_l2, tables_evicted;
    double polling_port_demand, spill, port_rounding, least_held;
} leeward_machine;

/* Who is on the two sockets. Streams are the tenants' data, then the rings of those who have one, in their order.
 *
 * sibling_share: tenants x tenants, share of the row's threads whose sibling thread is the column's.
 * part_socket, part_bytes: of each part of the caches.
 * spread: streams x parts, share of a stream's insertions that goes to each part. */
typedef struct {
    int tenants, rings, parts;
    const leeward_tenant *tenant;
    const double *sibling_share;
    const int64_t *ring_owner;
    const int64_t *part_socket;
    const double *part_bytes;
    const double *spread;
} leeward_scene;

/* Logarithms of the unknowns where they imply themselves, in the order of eval.testbed.equilibrium: service times,
 * occupancies, residences, memory latencies, link latencies, the bus's held share; and each tenant's operations a
 * second there.
 *
 * Returns the largest residual: precision or less unless the steps did not suffice; NaN where memory did not. */
double leeward_solve(const leeward_machine *machine, const leeward_scene *scene, int steps, double precision,
                     double *state, double *rate);

/* What a state implies, as logarithms, in the same order. Returns 0, or -1 where memory did not suffice. */
int leeward_imply(const leeward_machine *machine, const leeward_scene *scene, const double *state, double *implied);
