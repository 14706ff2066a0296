#include "tasks/family.h"

#include <math.h>

double lsnn_random_uniform(lsnn_random *random, double low, double high) {
    return low + (high - low) * rng_next(&random->numbers);
}

static lsnn_status check_range(const lsnn_range *range, const char *what, int k) {
    if (!isfinite(range->low) || !isfinite(range->high) || !(range->low < range->high)) {
        return fail(LSNN_ERR_USAGE, "the family's range of %s %d is %g..%g; it must be finite, and start below its end", what, k,
                    range->low, range->high);
    }
    return LSNN_OK;
}

lsnn_status family_check(const lsnn_family *family) {
    lsnn_status status = LSNN_OK;
    if (family->n_inputs < 1 || family->n_inputs > LSNN_FAMILY_INPUTS) {
        return fail(LSNN_ERR_USAGE, "the family's functions have %d inputs; 1..%d are possible", family->n_inputs, LSNN_FAMILY_INPUTS);
    }
    if (family->n_parameters < 0 || family->n_parameters > LSNN_FAMILY_PARAMETERS) {
        return fail(LSNN_ERR_USAGE, "the family's functions have %d parameters; 0..%d are possible", family->n_parameters,
                    LSNN_FAMILY_PARAMETERS);
    }
    if (family->draw == NULL || family->value == NULL) {
        return fail(LSNN_ERR_USAGE, "the family has no function `%s`; set it", family->draw == NULL ? "draw" : "value");
    }
    for (int i = 0; i < family->n_inputs; i++) {
        TRY(check_range(&family->input[i], "input", i));
    }
    TRY(check_range(&family->target, "target", 0));
out:
    return status;
}

void episode_begin(episode *e, const lsnn_family *family, split part, uint64_t seed, uint64_t index) {
    uint64_t sub = index * SPLITS + part;
    lsnn_random random = {rng_sequence_start(seed, RNG_FUNCTION, sub)};
    e->family = family;
    e->inputs = rng_sequence_start(seed, RNG_EXAMPLE, sub);
    family->draw(family->user, &random, e->parameters);
}

void family_draw_inputs(const lsnn_family *family, rng_sequence *random, double *x) {
    for (int i = 0; i < family->n_inputs; i++) {
        const lsnn_range *range = &family->input[i];
        x[i] = range->low + (range->high - range->low) * rng_next(random);
    }
}

void episode_next(episode *e, double *x, double *target) {
    family_draw_inputs(e->family, &e->inputs, x);
    *target = e->family->value(e->family->user, e->parameters, x);
}
