/* Newton's method on what implied.c says. The Jacobian is numerical, but sparse: one unknown moves few tenants and
 * streams, and only those are looked at anew. */

#define PROBE 1e-7
#define LONGEST_STEP 4.0
#define DAMPED_STEPS 3

static const double shorter_steps[] = {0.5, 0.25, 0.1, 0.03, 0.01};

/* Which tenants and streams a change of one unknown reaches. */
static void touch(const problem *p, int unknown)
{
    int tenants = p->s->tenants, parts = p->s->parts;
    memset(p->touched_tenant, unknown >= p->first_latency, tenants);
    memset(p->touched_stream, 0, p->streams);
    if (unknown < p->first_stream) {
        for (int i = 0; i < tenants; i++)
            p->touched_tenant[i] = i == unknown || p->s->sibling_share[i * tenants + unknown] != 0.0;
    } else if (unknown < p->first_part) {
        p->touched_tenant[owner_of(p, unknown - p->first_stream)] = 1;
    } else if (unknown < p->first_latency) {
        for (int stream = 0; stream < p->streams; stream++)
            p->touched_stream[stream] = p->s->spread[stream * parts + unknown - p->first_part] != 0.0;
    }
    for (int stream = 0; stream < p->streams; stream++)
        p->touched_stream[stream] |= p->touched_tenant[owner_of(p, stream)];
}

/* One column of the Jacobian of implied less present logarithms; ``near`` is scratch. */
static void column(const problem *p, const trial *x, trial *near, int unknown, double *jacobian)
{
    int tenants = p->s->tenants, parts = p->s->parts, unknowns = p->unknowns;
    touch(p, unknown);
    memcpy(near->unknown, x->unknown, unknowns * sizeof(double));
    memcpy(near->act, x->act, tenants * sizeof(activity));
    memcpy(near->effect, x->effect, tenants * sizeof(effects));
    memcpy(near->filled, x->filled, parts * sizeof(double));
    memcpy(near->implied, x->implied, unknowns * sizeof(double));
    near->flow = x->flow;
    near->unknown[unknown] *= exp(PROBE);
    if (unknown < tenants)
        near->act[unknown] = worked(&p->s->tenant[unknown], near->unknown[unknown]);
    for (int i = 0; i < tenants; i++) {
        if (!p->touched_tenant[i])
            continue;
        near->effect[i] = effects_of(p, near, i);
        near->implied[i] = near->effect[i].service_ns;
        add(&near->flow, &p->s->tenant[i], &x->effect[i], -1.0);
        add(&near->flow, &p->s->tenant[i], &near->effect[i], 1.0);
    }
    for (int stream = 0; stream < p->streams; stream++) {
        if (!p->touched_stream[stream])
            continue;
        const double *before = &x->held[stream * parts];
        double *row = &near->held[stream * parts];
        near->implied[p->first_stream + stream] = hold(p, near, stream, row);
        for (int part = 0; part < parts; part++)
            near->filled[part] += (row[part] - before[part]) / p->s->part_bytes[part];
    }
    for (int part = 0; part < parts; part++) {
        double residence = near->unknown[p->first_part + part];
        near->filled[part] += (residence - x->unknown[p->first_part + part]) / p->m->left_over_seconds;
        near->implied[p->first_part + part] = residence / near->filled[part];
    }
    imply_shared(p, near);
    for (int row = 0; row < unknowns; row++) {
        double ratio = near->implied[row] / x->implied[row];
        jacobian[row * unknowns + unknown] = (ratio == 1.0 ? 0.0 : log(ratio) / PROBE) - (row == unknown);
    }
}

/* Gauss's elimination with row exchanges; the solution replaces the right-hand side. */
static void eliminate(int n, double *a, double *b)
{
    for (int k = 0; k < n; k++) {
        int pivot = k;
        for (int row = k + 1; row < n; row++)
            if (fabs(a[row * n + k]) > fabs(a[pivot * n + k]))
                pivot = row;
        if (pivot != k) {
            for (int j = k; j < n; j++) {
                double kept = a[k * n + j];
                a[k * n + j] = a[pivot * n + j];
                a[pivot * n + j] = kept;
            }
            double kept = b[k];
            b[k] = b[pivot];
            b[pivot] = kept;
        }
        for (int row = k + 1; row < n; row++) {
            double factor = a[row * n + k] / a[k * n + k];
            if (factor == 0.0)
                continue;
            for (int j = k + 1; j < n; j++)
                a[row * n + j] -= factor * a[k * n + j];
            b[row] -= factor * b[k];
        }
    }
    for (int k = n - 1; k >= 0; k--) {
        for (int j = k + 1; j < n; j++)
            b[k] -= a[k * n + j] * b[j];
        b[k] /= a[k * n + k];
    }
}

/* What is implied less what is, as logarithms; the return value is its length. */
static double residual(const problem *p, const double *state, const trial *x, double *into)
{
    double squares = 0.0;
    for (int i = 0; i < p->unknowns; i++) {
        into[i] = log(x->implied[i]) - state[i];
        squares += into[i] * into[i];
    }
    return sqrt(squares);
}

static double largest(int n, const double *values)
{
    double found = 0.0;
    for (int i = 0; i < n; i++) {
        if (isnan(values[i]))
            return NAN;
        found = most(found, fabs(values[i]));
    }
    return found;
}

/* Footprints scaled into the cache, idle memory, and a few damped steps from there. */
static void begin(const problem *p, double *state, trial *x, double *ahead)
{
    const leeward_machine *m = p->m;
    int tenants = p->s->tenants;
    double wanted[SOCKETS] = {0.0}, room[SOCKETS] = {0.0};
    for (int part = 0; part < p->s->parts; part++)
        room[p->s->part_socket[part]] += p->s->part_bytes[part];
    for (int i = 0; i < tenants; i++) {
        const leeward_tenant *t = &p->s->tenant[i];
        state[i] = log(t->compute_ns + t->llc_accesses * m->llc_hit_ns);
        wanted[(int)t->socket] += t->footprint_bytes + (p->ring_of[i] >= 0 ? t->ring_bytes : 0.0);
    }
    for (int stream = 0; stream < p->streams; stream++) {
        const leeward_tenant *t = &p->s->tenant[owner_of(p, stream)];
        int socket = (int)t->socket;
        double footprint = stream < tenants ? t->footprint_bytes : t->ring_bytes;
        state[p->first_stream + stream] = log(footprint * least(1.0, room[socket] / wanted[socket]));
    }
    for (int part = 0; part < p->s->parts; part++) {
        int64_t socket = p->s->part_socket[part];
        double residence = most(1.0 - wanted[socket] / room[socket], m->short_residence) * m->left_over_seconds;
        state[p->first_part + part] = log(residence);
    }
    for (int socket = 0; socket < SOCKETS; socket++) {
        state[p->first_latency + socket] = log(m->dram_idle_ns);
        state[p->first_hop + socket] = log(m->upi_hop_ns);
    }
    state[p->bus] = log(m->least_held);
    for (int step = 0; step < DAMPED_STEPS; step++) {
        look(p, state, x);
        residual(p, state, x, ahead);
        for (int i = 0; i < p->unknowns; i++)
            state[i] += 0.5 * most(-LONGEST_STEP, least(ahead[i], LONGEST_STEP));
    }
}

/* A step that makes matters worse is tried again at several shorter lengths, and the best of them taken. */
static void shorten(const problem *p, const double *state, const double *step, trial *x, double *trial_state,
                    double *best_state, double *scratch)
{
    double best = INFINITY;
    for (size_t length = 0; length < sizeof shorter_steps / sizeof *shorter_steps; length++) {
        for (int i = 0; i < p->unknowns; i++)
            trial_state[i] = state[i] + shorter_steps[length] * step[i];
        look(p, trial_state, x);
        double norm = residual(p, trial_state, x, scratch);
        if (norm < best || length == 0) {
            best = isnan(norm) ? INFINITY : norm;
            memcpy(best_state, trial_state, p->unknowns * sizeof(double));
        }
    }
}

/* Newton's method from the present state, and one step more once that is precise, as long as it still gains; returns the
 * largest residual. */
static double iterate(const problem *p, int steps, double precision, double *state, trial *x, trial *near,
                      double *scratch)
{
    int n = p->unknowns;
    double *now = scratch, *step = now + n, *ahead = step + n, *jacobian = ahead + 2 * n;
    look(p, state, x);
    double norm = residual(p, state, x, now);
    int is_precise = 0;
    for (int count = 0; count < steps; count++) {
        int was_precise = is_precise;
        is_precise = largest(n, now) < precision;
        if (is_precise && was_precise)
            break;
        for (int unknown = 0; unknown < n; unknown++)
            column(p, x, near, unknown, jacobian);
        for (int i = 0; i < n; i++)
            step[i] = -now[i];
        eliminate(n, jacobian, step);
        double scale = least(1.0, LONGEST_STEP / largest(n, step));
        for (int i = 0; i < n; i++)
            ahead[i] = state[i] + (step[i] *= scale);
        look(p, ahead, x);
        double ahead_norm = residual(p, ahead, x, now);
        if (!(ahead_norm < norm) && is_precise) {
            look(p, state, x);
            residual(p, state, x, now);
            break;
        }
        if (!(ahead_norm < norm)) {
            shorten(p, state, step, x, ahead + n, ahead, now);
            look(p, ahead, x);
            ahead_norm = residual(p, ahead, x, now);
        }
        norm = ahead_norm;
        memcpy(state, ahead, n * sizeof(double));
    }
    return largest(n, now);
}

double leeward_solve(const leeward_machine *machine, const leeward_scene *scene, int steps, double precision,
                     double *state, double *rate)
{
    problem p;
    trial x, near;
    double *scratch;
    number(&p, machine, scene);
    double *memory = allocate(&p, &x, &near, &scratch);
    if (memory == NULL)
        return NAN;
    prepare(&p);
    begin(&p, state, &x, scratch);
    double left = iterate(&p, steps, precision, state, &x, &near, scratch);
    for (int i = 0; i < scene->tenants; i++)
        rate[i] = x.act[i].rate;
    free(memory);
    return left;
}

int leeward_imply(const leeward_machine *machine, const leeward_scene *scene, const double *state, double *implied)
{
    problem p;
    trial x, near;
    double *scratch;
    number(&p, machine, scene);
    double *memory = allocate(&p, &x, &near, &scratch);
    if (memory == NULL)
        return -1;
    prepare(&p);
    look(&p, state, &x);
    for (int i = 0; i < p.unknowns; i++)
        implied[i] = log(x.implied[i]);
    free(memory);
    return 0;
}
