/* a sin(x + phi): the paper's second family. */
#include "tasks/family.h"

#include <math.h>

static void draw(const void *user, lsnn_random *random, double *parameters) {
    const family_settings *s = user;
    parameters[0] = lsnn_random_uniform(random, s->amplitude.low, s->amplitude.high);
    parameters[1] = lsnn_random_uniform(random, s->phase.low, s->phase.high);
}

static double value(const void *user, const double *parameters, const double *x) {
    (void)user;
    return parameters[0] * sin(x[0] + parameters[1]);
}

static lsnn_status range_of(lsnn_range *out, const lsnn_experiment *experiment, const char *key) {
    lsnn_spread spread;
    int n_values;
    setting_spread(experiment, key, &spread, &n_values);
    if (n_values > 0) {
        return fail(LSNN_ERR_SETTING, "%s is a list of %d numbers; it must be one number, or a range LOW..HIGH", key, n_values);
    }
    *out = (lsnn_range){(double)spread.low, (double)spread.high};
    return LSNN_OK;
}

lsnn_status family_sinusoid(lsnn_family *out, family_settings *settings, const lsnn_experiment *experiment) {
    lsnn_status status = LSNN_OK;
    *settings = (family_settings){0};
    TRY(range_of(&settings->amplitude, experiment, "l2l.amplitude"));
    TRY(range_of(&settings->phase, experiment, "l2l.phase"));
    double reach = setting_real(experiment, "l2l.reach");
    *out = (lsnn_family){.n_inputs = 1,
                         .n_parameters = 2,
                         .input = {{-reach, reach}},
                         .target = {-settings->amplitude.high, settings->amplitude.high},
                         .draw = draw,
                         .value = value,
                         .user = settings};
out:
    return status;
}
